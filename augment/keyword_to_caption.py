"""Keywords -> a sentence by a T5, in batches; the pure half of the caption stage, which adds Beam and the cache.

Wu et al. 2023 captioned AudioSet's labels with a T5 that they did not name. `DEFAULT_MODEL`, the prompt and the decoding
are our choice, close to what is known of theirs. What a model writes is believed only after `augment.guard` has seen it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augment.templates import label_words

DEFAULT_MODEL = "mrm8488/t5-base-finetuned-common_gen"
INSTALL = "pip install 'laion-audio[captions]'"
_T5 = frozenset({"t5", "mt5", "umt5", "longt5"})
_FILES = ("*.json", "*.safetensors", "*.model", "*.bin", "*.txt")  # what shapes the output
_OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a prompt is written and a caption is searched; part of the key under which captions are cached.

    The search has no chance in it. `batch` is the number of prompts at a time, the first that is tried; `candidates`, at
    most `beams`, how many captions of the search are kept, the best first.
    """

    beams: int = 4
    length_penalty: float = 1.5
    no_repeat_ngram: int = 3
    max_new_tokens: int = 40
    batch: int = 32
    candidates: int = 1
    prefix: str = ""
    separator: str = " | "


@dataclass(frozen=True)
class Model:
    """A loaded T5: shared between threads, never pickled. `digest` names its content, whatever folder it came from."""

    name: str
    digest: str
    tokenizer: Any = field(repr=False)
    network: Any = field(repr=False)


def prompt(keywords: Sequence[str], decoding: Decoding | None = None) -> str:
    """Return the one prompt for a set of keywords; empty when there are none.

    Of a label with several names the first is used, without what stands in brackets; no dot or separator within a
    keyword can split the prompt.

    >>> prompt(["Gunshot, gunfire", "Rattle (instrument)", "p.a. system", "gunshot"])
    'gunshot | rattle | pa system'
    """
    form = decoding or Decoding()
    first_names = (re.split(r"[,;/|]", re.sub(r"\([^)]*\)", " ", label_words(keyword)))[0] for keyword in keywords)
    plain = (" ".join(name.replace(".", "").split()) for name in first_names)
    named = list(dict.fromkeys(name for name in plain if name))
    return form.prefix + form.separator.join(named) if named else ""


def load(model: str) -> Model:
    """Load a T5 from a folder, or by hub id ("owner/name", "owner/name@revision"), in bfloat16 where the machine computes with it.

    Raises ValueError, with what to do, when it is not there, cannot be fetched or is no T5.
    """
    try:
        import torch
        from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError as missing:
        raise ValueError(f"captions by T5 need {missing.name}, which is not installed: {INSTALL}") from missing
    folder = Path(model) if Path(model).is_dir() else _from_hub(model)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{model}: no config.json there, so it is no model folder; give the folder written by save_pretrained")
    logging.disable_progress_bar()  # it would write over ours
    try:
        kind = AutoConfig.from_pretrained(folder).model_type
        if kind not in _T5:
            raise ValueError(f"{model}: a {kind} model, and captions need a T5 ({', '.join(sorted(_T5))}), such as {DEFAULT_MODEL}")
        network = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=compute_type())
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except OSError as broken:
        raise ValueError(f"{model}: weights or tokenizer are missing or broken ({broken}); fetch the model again") from broken
    network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return Model(model, digest(folder), tokenizer, network)


def digest(folder: Path) -> str:
    """Return the SHA-256 of the files of a model that shape its output, by name and content."""
    whole = hashlib.sha256()
    for path in sorted({path for pattern in _FILES for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.name}\0{content}\n".encode())
    return whole.hexdigest()


def generate(model: Model, keyword_sets: Sequence[Sequence[str]], decoding: Decoding) -> list[str]:
    """Return one caption a keyword set, in order; empty for an empty set. The best of `candidates`."""
    return [found[0] if found else "" for found in candidates(model, keyword_sets, decoding)]


def candidates(model: Model, keyword_sets: Sequence[Sequence[str]], decoding: Decoding) -> list[list[str]]:
    """Return the captions of each keyword set, the best first; none for an empty set.

    More than one cost the search nothing more, and what the guard says of the first need not hold for the second.
    Prompts of a like length share a batch. A batch that does not fit into memory is halved, down to a single prompt.
    """
    prompts = [prompt(keywords, decoding) for keywords in keyword_sets]
    distinct = sorted({text for text in prompts if text}, key=lambda text: (-len(model.tokenizer(text).input_ids), text))
    captions: dict[str, list[str]] = {"": []}
    for start in range(0, len(distinct), decoding.batch):
        batch = distinct[start : start + decoding.batch]
        captions |= dict(zip(batch, _in_memory(model, batch, decoding), strict=True))
    return [captions[text] for text in prompts]


def sentence(text: str) -> str:
    """Return generated text as a sentence: capital, full stop, single blanks.

    >>> sentence(" a dog  barks at night"), sentence("")
    ('A dog barks at night.', '')
    """
    plain = " ".join(text.split())
    if not plain:
        return ""
    return plain[0].upper() + plain[1:] + ("" if plain[-1] in ".!?" else ".")


def _in_memory(model: Model, prompts: list[str], decoding: Decoding) -> list[list[str]]:
    """Return the captions of one batch, by prompt; of its halves, when it is too large for the memory."""
    try:
        return _search(model, prompts, decoding)
    except (RuntimeError, MemoryError) as error:
        too_large = isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error))
        if not too_large or len(prompts) == 1:
            raise
    half = len(prompts) // 2  # outside of the handler, which would keep the tensors of the failed batch alive
    return _in_memory(model, prompts[:half], decoding) + _in_memory(model, prompts[half:], decoding)


def _search(model: Model, prompts: list[str], decoding: Decoding) -> list[list[str]]:
    """Return the captions of one batch by beam search."""
    import torch

    encoded = model.tokenizer(prompts, return_tensors="pt", padding=True, truncation=True, max_length=128).to(model.network.device)
    with torch.inference_mode():
        found = model.network.generate(
            input_ids=encoded.input_ids,
            attention_mask=encoded.attention_mask,
            num_beams=decoding.beams,
            num_return_sequences=decoding.candidates,
            length_penalty=decoding.length_penalty if decoding.beams > 1 else None,
            no_repeat_ngram_size=decoding.no_repeat_ngram,
            max_new_tokens=decoding.max_new_tokens,
            early_stopping=decoding.beams > 1,
            do_sample=False,
        )
    texts = [sentence(text) for text in model.tokenizer.batch_decode(found, skip_special_tokens=True)]
    return [texts[start : start + decoding.candidates] for start in range(0, len(texts), decoding.candidates)]


def compute_type() -> Any:
    """Return bfloat16 where the machine computes with it in hardware, else float32."""
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") or able.get("arm_bf16") else torch.float32


def _from_hub(model: str) -> Path:
    """Return the folder into which the hub's files were fetched, or where they lie from before."""
    name, _, revision = model.partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or name.startswith("."):
        raise ValueError(f"{model}: no such folder; give the folder of a T5, or a hub id such as {DEFAULT_MODEL}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=list(_FILES), etag_timeout=5))
    except LocalEntryNotFoundError as offline:
        raise ValueError(
            f"{model}: the hub cannot be reached and the model was not fetched before; on a machine that can, run"
            f" `hf download {name} --local-dir FOLDER`, bring FOLDER here, and name it in the recipe"
        ) from offline
    except HfHubHTTPError as refused:
        raise ValueError(f"{model}: the hub refuses it ({refused}); check the name, or log in if the model is gated") from refused

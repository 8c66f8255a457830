"""Write captions for sets of keywords with a T5, in batches. Beam and the cache are in `transforms/planning`.

Wu et al. 2023 captioned the labels of AudioSet with a T5 that they did not name. `DEFAULT_MODEL`, the prompt and the search
are our choice, close to what is known of theirs. `augment.guard` decides which of the captions are used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Interval, MinLen

from augment.templates import label_words

DEFAULT_MODEL = "mrm8488/t5-base-finetuned-common_gen"
INSTALL = "pip install 'laion-audio[captions]'"
_T5 = frozenset({"t5", "mt5", "umt5", "longt5"})
_FILES = ("*.json", "*.safetensors", "*.model", "*.bin", "*.txt")  # the files that decide the output
_OUT_OF_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class T5Settings:
    """Say which T5 captions keywords, how it searches, and for which clips; unpublished values are our choice (docs/captions.md).

    `model` is a hub id, a hub id with @revision, or a folder. The beam search is deterministic. `batch` is the number of
    prompts at a time, halved when memory runs out; `candidates` is how many captions of the search are used, the best
    first, and never more than `beams`. Clips shorter than `min_seconds` or with more than `max_keywords` labels get no
    caption by the T5. `only` names sources and datasets whose `text` holds the T5's caption alone, as Wu et al. 2023 did
    for AudioSet and Epidemic Sound; `apart` those whose `text` holds every caption but the T5's. Elsewhere it holds all.
    """

    model: Annotated[str, MinLen(1)] = DEFAULT_MODEL
    beams: Annotated[int, Interval(ge=1, le=64)] = 4
    batch: Annotated[int, Interval(ge=1, le=4096)] = 32
    candidates: Annotated[int, Interval(ge=1, le=64)] = 4
    length_penalty: float = 1.5
    no_repeat_ngram: Annotated[int, Ge(0)] = 3
    max_new_tokens: Annotated[int, Interval(ge=4, le=256)] = 40
    prefix: str = ""
    separator: str = " | "
    min_seconds: Annotated[float, Ge(0)] = 2.0
    max_keywords: Annotated[int, Ge(1)] = 8
    only: tuple[str, ...] = ("audioset", "epidemic")
    apart: tuple[str, ...] = ()

    @property
    def n_candidates(self) -> int:
        """Number of captions that the search returns for a prompt."""
        return min(self.candidates, self.beams)

    @property
    def generation(self) -> tuple[object, ...]:
        """Every value that decides what a given model writes for a keyword set; part of the key of the caption cache."""
        search = (self.beams, self.n_candidates, self.length_penalty, self.no_repeat_ngram, self.max_new_tokens)
        return (*search, self.batch, self.prefix, self.separator)


@dataclass(frozen=True)
class Model:
    """A loaded T5, shared between threads and never pickled. `digest` is the hash of its files, wherever they lie."""

    name: str
    digest: str
    tokenizer: Any = field(repr=False)
    network: Any = field(repr=False)


def prompt(keywords: Sequence[str], settings: T5Settings | None = None) -> str:
    """Return the prompt for a set of keywords; empty when there are none. Equal keywords are used once.

    Of a label with several names the first is used, without text in brackets. Dots and the signs `,`, `;`, `/` and `|` are
    removed from keywords, so that they cannot split the prompt.

    >>> prompt(["Gunshot, gunfire", "Rattle (instrument)", "p.a. system", "gunshot"])
    'gunshot | rattle | pa system'
    """
    form = settings or T5Settings()
    first_names = (re.split(r"[,;/|]", re.sub(r"\([^)]*\)", " ", label_words(keyword)))[0] for keyword in keywords)
    plain = (" ".join(name.replace(".", "").split()) for name in first_names)
    distinct = list(dict.fromkeys(filter(None, plain)))
    return form.prefix + form.separator.join(distinct) if distinct else ""


def load(model: str) -> Model:
    """Load a T5 from a folder, or by hub id ("owner/name", "owner/name@revision"), in the type of `compute_type`.

    Raises:
        ValueError: the model is missing, cannot be fetched or is not a T5; the message says what to do.
    """
    try:
        import torch
        from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError as missing:
        raise ValueError(f"captions by T5 need {missing.name}, which is not installed: {INSTALL}") from missing
    folder = Path(model) if Path(model).is_dir() else _from_hub(model)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{model}: no config.json in it, so it is not the folder of a model; give the folder written by save_pretrained")
    logging.disable_progress_bar()  # it would overwrite the progress bar of the build
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
    """Return a SHA-256 over the names and contents of the files of a model that decide its output."""
    combined = hashlib.sha256()
    for path in sorted({path for pattern in _FILES for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        combined.update(f"{path.name}\0{content}\n".encode())
    return combined.hexdigest()


def generate(model: Model, keyword_sets: Sequence[Sequence[str]], settings: T5Settings) -> list[str]:
    """Return the best caption for each keyword set, in their order; an empty text for an empty set."""
    return [captions[0] if captions else "" for captions in candidates(model, keyword_sets, settings)]


def candidates(model: Model, keyword_sets: Sequence[Sequence[str]], settings: T5Settings) -> list[list[str]]:
    """Return the captions for each keyword set, the best first; none for an empty set.

    Several captions cost no more than one, and the guard may accept the second when it refuses the first. Prompts of
    similar length share a batch. A batch that is too large for the memory is halved, down to a single prompt.
    """
    prompts = [prompt(keywords, settings) for keywords in keyword_sets]
    distinct = sorted({text for text in prompts if text}, key=lambda text: (-len(model.tokenizer(text).input_ids), text))
    captions: dict[str, list[str]] = {"": []}
    for start in range(0, len(distinct), settings.batch):
        batch = distinct[start : start + settings.batch]
        captions |= dict(zip(batch, _in_memory(model, batch, settings), strict=True))
    return [captions[text] for text in prompts]


def sentence(text: str) -> str:
    """Return generated text with a capital at the beginning, a full stop at the end, and single blanks.

    >>> sentence(" a dog  barks at night"), sentence("")
    ('A dog barks at night.', '')
    """
    plain = " ".join(text.split())
    if not plain:
        return ""
    return plain[0].upper() + plain[1:] + ("" if plain[-1] in ".!?" else ".")


def _in_memory(model: Model, prompts: list[str], settings: T5Settings) -> list[list[str]]:
    """Return the captions of each prompt of a batch; halve a batch that is too large for the memory."""
    try:
        return _search(model, prompts, settings)
    except (RuntimeError, MemoryError) as error:
        too_large = isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error))
        if not too_large or len(prompts) == 1:
            raise
    half = len(prompts) // 2  # outside of the handler, which holds the tensors of the failed batch
    return _in_memory(model, prompts[:half], settings) + _in_memory(model, prompts[half:], settings)


def _search(model: Model, prompts: list[str], settings: T5Settings) -> list[list[str]]:
    """Return the captions of each prompt of a batch, by beam search."""
    import torch

    encoded = model.tokenizer(prompts, return_tensors="pt", padding=True, truncation=True, max_length=128).to(model.network.device)
    with torch.inference_mode():
        tokens = model.network.generate(
            input_ids=encoded.input_ids,
            attention_mask=encoded.attention_mask,
            num_beams=settings.beams,
            num_return_sequences=settings.n_candidates,
            length_penalty=settings.length_penalty if settings.beams > 1 else None,
            no_repeat_ngram_size=settings.no_repeat_ngram,
            max_new_tokens=settings.max_new_tokens,
            early_stopping=settings.beams > 1,
            do_sample=False,
        )
    texts = [sentence(text) for text in model.tokenizer.batch_decode(tokens, skip_special_tokens=True)]
    return [texts[start : start + settings.n_candidates] for start in range(0, len(texts), settings.n_candidates)]


def compute_type() -> Any:
    """Return bfloat16 where the hardware computes in it, else float32."""
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    capabilities = torch.cpu.get_capabilities()
    has_bfloat16 = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))
    return torch.bfloat16 if has_bfloat16 else torch.float32


def _from_hub(model: str) -> Path:
    """Return the folder with the files of a model on the hub; fetch those that are missing.

    Raises:
        ValueError: the name is not a hub id, or the hub refuses it or cannot be reached.
    """
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

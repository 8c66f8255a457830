"""Load a model that writes text: a T5 or another sequence-to-sequence model, or one that follows instructions in a chat."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from augment.keyword_search import Sentences, Vocabulary
from augment.tables import rows

DEFAULT_MODEL = "mrm8488/t5-base-finetuned-common_gen"
INSTALL = "pip install 'laion-audio[captions]'"
_FILES = ("*.json", "*.safetensors", "*.model", "*.bin", "*.txt", "*.jinja")  # the files that decide the output
_REMEDY = f"give a sequence-to-sequence model such as {DEFAULT_MODEL}, or one with a chat template"


@dataclass(frozen=True, slots=True)
class Form:
    """The prompt that a model was taught: `{}` in it stands for the keywords, with `between` between them."""

    between: str = " "
    prompt: str = "{}"


INSTRUCTION = Form(", ", "Write one short sentence that says these sounds are heard, and nothing else: {}")
"""What a model with a chat template is asked that `caption_models.tsv` does not list."""


@dataclass(frozen=True)
class Model:
    """A loaded model, shared between threads and never pickled. `digest` is the hash of its files, wherever they lie.

    `is_instruct`: its prompt is a message in a chat, and it goes on after the prompt.
    """

    name: str
    digest: str
    tokenizer: Any = field(repr=False)
    network: Any = field(repr=False)
    is_instruct: bool = False

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens of words."""
        return Vocabulary(self.tokenizer)

    def sentences(self, keywords: Sequence[str]) -> Sentences:
        """Return what the model may write for keywords."""
        return _sentences(self, tuple(keywords))

    @property
    def end(self) -> int:
        """The token that ends a text."""
        end = self.network.generation_config.eos_token_id
        return int((end[0] if isinstance(end, list) else end) if end is not None else self.tokenizer.eos_token_id)

    def encode(self, prompts: Sequence[str], length: int | None = None) -> Any:
        """Return the tokens of prompts, filled up to `length` tokens where one is given; a chat's before its first word."""
        filled: dict[str, Any] = {"padding": "max_length", "max_length": length, "truncation": True} if length else {}
        if not self.is_instruct:
            return self.tokenizer(list(prompts), return_tensors="pt" if length else None, **filled)
        chats = [[{"role": "user", "content": text}] for text in prompts]
        texts = [self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
        self.tokenizer.padding_side = "left"
        return self.tokenizer(texts, return_tensors="pt" if length else None, add_special_tokens=False, **filled)


@lru_cache(maxsize=256)
def _sentences(model: Model, keywords: tuple[str, ...]) -> Sentences:
    return Sentences(keywords, model.vocabulary, model.end)


def form_of(model: str) -> Form:
    """Return the prompt that a model was taught, by its hub id or the name of its folder; keywords with blanks where it is not listed.

    >>> form_of("mrm8488/t5-base-finetuned-common_gen").between, form_of("/models/flan-t5-small").between, form_of("mine")
    (' ', ', ', Form(between=' ', prompt='{}'))
    """
    return known_forms().get(model.partition("@")[0].rstrip("/").rpartition("/")[2], Form())


@cache
def known_forms() -> dict[str, Form]:
    """Return the last part of the hub ids of `caption_models.tsv` -> prompt."""
    return {row[0].rpartition("/")[2]: Form(row[1], row[2]) for row in rows("caption_models")}


def load(model: str) -> Model:
    """Load a model from a folder, or by hub id ("owner/name", "owner/name@revision"), in the type of `compute_type`.

    Raises:
        ValueError: the model is missing, cannot be fetched or writes no text for a prompt; the message says what to do.
    """
    try:
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM
        from transformers.utils import logging
    except ImportError as missing:
        raise ValueError(f"captions by T5 need {missing.name}, which is not installed: {INSTALL}") from missing
    folder = Path(model) if Path(model).is_dir() else _from_hub(model)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{model}: no config.json in it, so it is not the folder of a model; give the folder written by save_pretrained")
    logging.disable_progress_bar()  # it would overwrite the progress bar of the build
    try:
        config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as broken:
        raise ValueError(f"{model}: its config.json names no model that transformers knows ({_brief(broken)}); {_REMEDY}") from broken
    is_instruct = _is_instruct(config, model)
    tokenizer = _tokenizer(folder, model)
    if is_instruct and not tokenizer.chat_template:
        raise ValueError(f"{model}: a {config.model_type} model without a chat template, which goes on with any text; {_REMEDY}")
    kind = AutoModelForCausalLM if is_instruct else AutoModelForSeq2SeqLM
    try:
        network = kind.from_pretrained(folder, dtype=compute_type())
    except (OSError, RuntimeError, ValueError) as broken:
        raise ValueError(f"{model}: its weights are missing or broken ({_brief(broken)}); fetch the model again") from broken
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return Model(model, digest(folder), tokenizer, network, is_instruct)


def _is_instruct(config: Any, model: str) -> bool:
    """Return whether a model goes on with a text; False for one that turns a text into another.

    Raises:
        ValueError: the model does neither.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING

    if type(config) in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
        return False
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING and not config.is_encoder_decoder:
        return True
    raise ValueError(f"{model}: a {config.model_type} model, which writes no text for a prompt; {_REMEDY}")


def _tokenizer(folder: Path, model: str) -> Any:
    """Return the tokenizer of a model.

    Raises:
        ValueError: it is missing, broken or empty.
    """
    from transformers import AutoTokenizer

    remedy = "fetch the model again with its tokenizer (tokenizer.json, or spiece.model)"
    if not any((folder / name).is_file() for name in ("tokenizer.json", "spiece.model", "tokenizer.model", "vocab.json", "vocab.txt")):
        raise ValueError(f"{model}: no tokenizer in it; {remedy}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as broken:
        raise ValueError(f"{model}: its tokenizer is missing or broken ({_brief(broken)}); {remedy}") from broken
    if tokenizer.eos_token_id is None:
        raise ValueError(f"{model}: its tokenizer has no token that ends a text (eos_token); {remedy}")
    return tokenizer


def _brief(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


def digest(folder: Path) -> str:
    """Return a SHA-256 over the names and contents of the files of a model that decide its output."""
    combined = hashlib.sha256()
    for path in sorted({path for pattern in _FILES for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        combined.update(f"{path.name}\0{content}\n".encode())
    return combined.hexdigest()


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
        raise ValueError(f"{model}: no such folder; give the folder of a model, or a hub id such as {DEFAULT_MODEL}")
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

"""Settings of a training run: one flat record. Its defaults are the published values; TOML files and key=value change them."""

import difflib
import tomllib
from dataclasses import field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from train.errors import BadInput

BUNDLED = Path(__file__).parent / "recipes"
RENAMED = {"chunks": "accumulate"}  # keys of earlier versions
TINY = ("htsat-tiny", "cnn14")  # audio towers that have a narrow variant
RANDOM_TEXT = ("roberta", "bert", "clip")  # text towers that can start from random weights

Count = Annotated[int, Field(ge=0, lt=2**31)]
Positive = Annotated[int, Field(ge=1, lt=2**31)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, le=1000)]
Origin = Literal["human", "title", "description", "llm", "template", "t5"]  # as a build writes it to a sample's JSON


def read_table(value: Any) -> Any:
    """Return a table written as text, such as "AudioCaps=2,Clotho=0.5", as a dict; anything else as it is."""
    if not isinstance(value, str):
        return value
    return {name.strip(): number for name, _, number in (part.rpartition("=") for part in value.split(",") if part.strip())}


Weights = Annotated[dict[str, Weight], BeforeValidator(read_table)]
OriginWeights = Annotated[dict[Origin, Weight], BeforeValidator(read_table)]


def _key(default: Any, meaning: str) -> Any:
    """Return a key of the recipe with its default and its meaning, which `fit --help` and `fit --show-recipe` print."""
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"meaning": meaning})
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TrainRecipe:
    """Settings of a run (Wu et al. 2023, section 4.1, and the settings of their scripts)."""

    # model
    audio: Literal["htsat-tiny", "htsat-base", "cnn14"] = _key("htsat-tiny", "audio tower")
    text: str = _key("roberta", "text tower: roberta, bert or clip; with text_weights any type of transformers, such as mpnet")
    size: Literal["published", "tiny"] = _key("published", "width of towers with random weights; tiny is narrow enough for a test")
    fusion: Literal["aff", "daf", "iaff", "none"] = _key("aff", "how parts of long clips are fused; none: long clips are cut at random")
    weights: str = _key("", "both towers, projections and temperature: a run, or a folder or hub id of transformers' ClapModel")
    audio_weights: str = _key("", "file of CLAP (both towers), HTSAT trained on AudioSet, or PANN; empty: random weights")
    text_weights: str = _key("", "hub id or folder; empty: random weights, with a tokenizer trained on the captions")
    context: Annotated[int, Field(ge=4, le=2**16)] = _key(77, "tokens of the longest caption; longer ones are cut")
    vocabulary: Annotated[int, Field(ge=300, le=2**20)] = _key(2000, "most tokens of a tokenizer trained on the captions")
    # data
    texts: Literal["text", "all", "augment_only"] = _key("text", "which captions of a sample are drawn from")
    dataset_weights: Weights = _key({}, "how often an epoch reads each sample of a dataset; 1 where none is given")
    caption_weights: OriginWeights = _key({}, "shares of captions by origin, such as human and t5; 1 where none is given")
    workers: Annotated[int, Field(ge=0, le=2**10)] = _key(0, "processes that read and decode")
    broken_share: Number = _key(0.05, "of the samples seen; a larger share of broken samples stops the run")
    seed: Count = _key(3407, "of order, captions, cuts, dropout and random weights; below 2^31")
    # steps
    batch: Annotated[int, Field(ge=2, le=2**20)] = _key(2304, "clips a step, over all ranks")
    accumulate: Positive = _key(
        1, "parts of a step; it needs the memory of batch / accumulate / ranks clips, with the gradients of the batch"
    )
    epochs: Positive = _key(45, "passes over the training samples")
    steps: Annotated[int, Field(ge=0, lt=2**62)] = _key(0, "updates of the weights; 0: as many as the epochs need")
    # loss
    loss: Literal["softmax", "sigmoid"] = _key("softmax", "softmax: cross entropy both ways (CLIP); sigmoid: every pair by itself (SigLIP)")
    multi_positive: bool = _key(False, "equal captions in a batch are positives of each other")
    # learning rate
    lr: Number = _key(1e-4, "highest learning rate, reached after the warm-up; half a cosine to 0 follows")
    warmup: Count = _key(3200, "steps over which the learning rate rises")
    audio_lr_factor: Number = _key(1.0, "the audio tower learns at lr times this")
    text_lr_factor: Number = _key(1.0, "the text tower learns at lr times this")
    layer_decay: Annotated[float, Field(gt=0, le=1)] = _key(1.0, "a layer of a tower learns at the rate of the next layer times this")
    lock: Literal["", "audio", "text", "both"] = _key("", "towers that are not trained; projections always are")
    unlock_after: Count = _key(0, "steps after which locked towers are trained too; 0: never")
    weight_decay: Number = _key(0.0, "of weights of two and more dimensions")
    clip_norm: Number = _key(0.0, "largest norm of all gradients; 0: not clipped")
    ema: Annotated[float, Field(ge=0, lt=1)] = _key(
        0.0, "decay a step of the moving average of weights, which is validated and exported; 0: none"
    )
    # machine
    precision: Literal["fp32", "bf16", "fp16"] = _key("fp32", "of the towers; mels and loss stay fp32, and fp16 scales the loss")
    parallel: Literal["ddp", "fsdp"] = _key("ddp", "what each of several ranks holds: ddp: all weights; fsdp: a share of them")
    checkpointing: bool = _key(False, "activations of the towers are computed again in the backward pass")
    compile: bool = _key(False, "compile the towers with torch.compile")
    wandb: str = _key("", "project to log to; empty: none")
    # intervals, in steps but for save_minutes
    log_every: Positive = _key(10, "steps between lines of text")
    valid_every: Count = _key(0, "steps between validations; 0: each epoch")
    save_every: Count = _key(0, "steps between checkpoints besides those of validation; 0: none")
    save_minutes: Number = _key(30.0, "longest time without a checkpoint; 0: no limit")
    keep: Positive = _key(2, "newest checkpoints that are kept, besides the best")

    @model_validator(mode="after")
    def check_together(self) -> "TrainRecipe":
        """Raise ValueError for keys that contradict each other."""
        if self.size == "tiny" and self.audio not in TINY:
            raise ValueError(f"size = 'tiny': {self.audio} has no narrow variant; set audio to {' or '.join(TINY)}, or size to published")
        if self.text not in RANDOM_TEXT and not (self.text_weights or self.weights):
            known = ", ".join(RANDOM_TEXT)
            raise ValueError(f"text = {self.text!r}: only {known} start from random weights; set text_weights to a hub id or folder")
        if self.weights and (self.audio_weights or self.text_weights):
            raise ValueError(f"weights = {self.weights!r} fills both towers; leave it empty, or audio_weights and text_weights")
        if self.unlock_after and not self.lock:
            raise ValueError(f"unlock_after = {self.unlock_after}: no tower is locked; set lock to audio, text or both")
        return self


def load_recipe(name: str, changes: list[str]) -> TrainRecipe:
    """Read a bundled recipe or a TOML file, then apply changes such as "batch=16". Raise BadInput that names every fault."""
    path = Path(name) if name.endswith(".toml") else BUNDLED / f"{name}.toml"
    if not path.is_file():
        bundled = ", ".join(sorted(p.stem for p in BUNDLED.glob("*.toml")))
        raise BadInput(f"no recipe {name!r}; bundled are {bundled}; or give the path of a .toml file")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{path} is not TOML: {error}") from error
    make_recipe(values, str(path))
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise BadInput(f"--set {change!r}: write key=value")
        values[key.strip()] = text.strip()
    return make_recipe(values, "--set")


def make_recipe(values: dict[str, Any], where: str) -> TrainRecipe:
    """Return a recipe of these values. Numbers may be text. Raise BadInput that starts with `where` and names all faults."""
    try:
        return TrainRecipe(**values)
    except ValidationError as error:
        raise BadInput(f"{where}: " + "; ".join(_fault(e["loc"], e["input"], e["msg"]) for e in error.errors())) from error


def _fault(path: tuple[int | str, ...], value: object, message: str) -> str:
    if not path:
        return message.removeprefix("Value error, ")
    key, known = str(path[0]), [field.name for field in fields(TrainRecipe)]
    if key in RENAMED:
        return f"unknown key {key!r}; it is called {RENAMED[key]} now"
    if key not in known:
        return f"unknown key {key!r}; did you mean {', '.join(difflib.get_close_matches(key, known, 1) or known)}?"
    return f"{key} = {value!r}: {message[0].lower()}{message[1:]}"

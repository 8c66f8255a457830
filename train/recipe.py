"""Settings of a training run: one flat record. Its defaults are the published values; TOML files and key=value change them."""

import difflib
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from train.errors import BadInput

BUNDLED = Path(__file__).parent / "recipes"
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Weight = Annotated[float, Field(ge=0, le=1000)]
Origin = Literal["human", "title", "description", "llm", "template", "t5"]  # as a build writes it to a sample's JSON


def read_table(value: Any) -> Any:
    """Return a table written as text, such as "AudioCaps=2,Clotho=0.5", as a dict; anything else as it is."""
    if not isinstance(value, str):
        return value
    return {name.strip(): number for name, _, number in (part.rpartition("=") for part in value.split(",") if part.strip())}


Weights = Annotated[dict[str, Weight], BeforeValidator(read_table)]
OriginWeights = Annotated[dict[Origin, Weight], BeforeValidator(read_table)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TrainRecipe:
    """Settings of a run (Wu et al. 2023, section 4.1, and the settings of their scripts)."""

    # model
    audio: Literal["htsat-tiny", "htsat-base", "cnn14"] = "htsat-tiny"
    text: Literal["roberta", "bert", "clip"] = "roberta"
    size: Literal["published", "tiny"] = "published"  # tiny: every tower is narrow enough for a test
    fusion: Literal["aff", "daf", "iaff", "none"] = "aff"  # none: long clips are cut at random
    audio_weights: str = ""  # checkpoint of CLAP, HTSAT on AudioSet, or PANN; "" = random
    text_weights: str = ""  # hub id or folder; "" = random, with a tokenizer trained on the captions
    context: Annotated[int, Field(ge=4)] = 77  # tokens; longer captions are cut
    vocabulary: Annotated[int, Field(ge=300)] = 2000  # most tokens of a tokenizer trained on the captions
    # data
    texts: Literal["text", "all", "augment_only"] = "text"  # which captions of a sample are drawn from
    dataset_weights: Weights = Field(default_factory=dict)  # how often an epoch reads each sample of a dataset; 1 where none is given
    caption_weights: OriginWeights = Field(
        default_factory=dict
    )  # shares of captions by origin, such as human and t5; 1 where none is given
    workers: NonNegativeInt = 0  # processes that read and decode
    broken_share: NonNegativeFloat = 0.05  # of the samples seen; a larger share of broken samples stops the run
    seed: NonNegativeInt = 3407
    # steps
    batch: Annotated[int, Field(ge=2)] = 2304  # clips a step, over all ranks
    chunks: PositiveInt = 1  # a step needs the memory of batch / chunks / ranks clips; gradients stay those of the complete batch
    epochs: PositiveInt = 45
    steps: NonNegativeInt = 0  # 0 = as many as the epochs need
    lr: NonNegativeFloat = 1e-4
    warmup: NonNegativeInt = 3200  # steps
    weight_decay: NonNegativeFloat = 0.0
    clip_norm: NonNegativeFloat = 0.0  # largest norm of all gradients; 0 = not clipped
    multi_positive: bool = False  # equal captions in a batch are positives of each other
    lock: Literal["", "audio", "text", "both"] = ""  # towers that are not trained; projections always are
    # machine
    precision: Literal["fp32", "bf16"] = "fp32"  # mels and loss stay fp32
    checkpointing: bool = False  # activations of the towers are computed again in the backward pass
    compile: bool = False
    wandb: str = ""  # project to log to
    # intervals, in steps but for save_minutes
    log_every: PositiveInt = 10
    valid_every: NonNegativeInt = 0  # 0 = each epoch
    save_every: NonNegativeInt = 0  # steps between checkpoints besides those of validation; 0 = none
    save_minutes: NonNegativeFloat = 30.0  # the longest time without a checkpoint; 0 = no limit
    keep: PositiveInt = 2  # newest checkpoints that are kept, besides the best


def load_recipe(name: str, changes: list[str]) -> TrainRecipe:
    """Read a bundled recipe or a TOML file, then apply changes such as "batch=16". Raise BadInput that names every fault."""
    path = Path(name) if name.endswith(".toml") else BUNDLED / f"{name}.toml"
    if not path.is_file():
        bundled = ", ".join(sorted(p.stem for p in BUNDLED.glob("*.toml")))
        raise BadInput(f"no recipe {name!r}; bundled are {bundled}; or give the path of a .toml file")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not TOML: {error}") from error
    make_recipe(values, str(path))
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise BadInput(f"--set {change!r}: write key=value")
        values[key] = text
    return make_recipe(values, "--set")


def make_recipe(values: dict[str, Any], where: str) -> TrainRecipe:
    """Return a recipe of these values. Numbers may be text. Raise BadInput that starts with `where` and names all faults."""
    try:
        return TrainRecipe(**values)
    except ValidationError as error:
        raise BadInput(f"{where}: " + "; ".join(_fault(str(e["loc"][0]), e["input"], e["msg"]) for e in error.errors())) from error


def _fault(key: str, value: object, message: str) -> str:
    known = [field.name for field in fields(TrainRecipe)]
    if key not in known:
        return f"unknown key {key!r}; did you mean {', '.join(difflib.get_close_matches(key, known, 1) or known)}?"
    return f"{key} = {value!r}: {message[0].lower()}{message[1:]}"

"""What a training run is told: one flat record, its defaults the published settings; TOML files and key=value change it."""

import difflib
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from train.errors import BadInput

BUNDLED = Path(__file__).parent / "recipes"
Count = Annotated[int, Field(ge=0)]
Some = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TrainRecipe:
    """Settings of a run (Wu et al. 2023, section 4.1, and the settings of their scripts)."""

    # model
    audio: Literal["htsat-tiny", "htsat-base", "cnn14"] = "htsat-tiny"
    text: Literal["roberta", "bert", "clip"] = "roberta"
    size: Literal["published", "tiny"] = "published"  # tiny: every tower narrow enough for a test
    fusion: Literal["aff", "daf", "iaff", "none"] = "aff"  # none: long clips are cut at random
    audio_weights: str = ""  # checkpoint of CLAP, HTSAT on AudioSet, or PANN; "" = random
    text_weights: str = ""  # hub id or folder; "" = random, with a tokenizer trained on the captions
    context: Annotated[int, Field(ge=4)] = 77  # tokens; longer captions are cut
    vocabulary: Annotated[int, Field(ge=300)] = 2000  # tokens of a tokenizer trained here, at most
    # data
    texts: Literal["text", "all", "augment_only"] = "text"  # which captions of a sample are drawn from
    workers: Count = 0  # processes that read and decode
    broken_share: Amount = 0.05  # of the samples seen; more broken ones stop the run
    seed: Count = 3407
    # steps
    batch: Annotated[int, Field(ge=2)] = 2304  # clips a step, over all ranks
    chunks: Some = 1  # a step's memory is that of batch / chunks / ranks clips; gradients stay those of the whole batch
    epochs: Some = 45
    steps: Count = 0  # 0 = as many as the epochs have
    lr: Amount = 1e-4
    warmup: Count = 3200  # steps
    weight_decay: Amount = 0.0
    clip_norm: Amount = 0.0  # 0 = gradients are not clipped
    multi_positive: bool = False  # equal captions in a batch are positives of each other
    lock: Literal["", "audio", "text", "both"] = ""  # towers that are not trained; projections always are
    # machine
    precision: Literal["fp32", "bf16"] = "fp32"  # mels and loss stay fp32
    checkpointing: bool = False  # activations of the towers are computed again in the backward pass
    compile: bool = False
    wandb: str = ""  # project to log to
    # rhythm, in steps
    log_every: Some = 10
    valid_every: Count = 0  # 0 = each epoch
    keep: Some = 2  # checkpoints beside the best


def load_recipe(name: str, changes: list[str]) -> TrainRecipe:
    """Read a bundled recipe or a TOML file, then apply changes such as "batch=16"."""
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
    """Make a recipe of some values, numbers also as text; all faults are named at once."""
    try:
        return TrainRecipe(**values)
    except ValidationError as error:
        raise BadInput(f"{where}: " + "; ".join(_fault(str(e["loc"][0]), e["input"], e["msg"]) for e in error.errors())) from error


def _fault(key: str, value: object, message: str) -> str:
    known = [field.name for field in fields(TrainRecipe)]
    if key not in known:
        return f"unknown key {key!r}; did you mean {', '.join(difflib.get_close_matches(key, known, 1) or known)}?"
    return f"{key} = {value!r}: {message[0].lower()}{message[1:]}"

"""What a training run is told: one flat record, its defaults the published settings; TOML files and key=value change it."""

import difflib
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from train.problem import BadInput

BUNDLED = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """Settings of a run (Wu et al. 2023, section 4.1, and the settings of their scripts)."""

    # model
    audio: str = "htsat-tiny"  # htsat-tiny, htsat-base, cnn14
    text: str = "roberta"  # roberta, bert, clip
    size: str = "published"  # or "tiny": every tower narrow enough for a test
    fusion: str = "aff"  # aff, daf, iaff, or none: long clips are cut at random
    audio_weights: str = ""  # checkpoint of CLAP, HTSAT on AudioSet, or PANN; "" = random
    text_weights: str = ""  # hub id or folder; "" = random, with a tokenizer trained on the captions
    context: int = 77  # tokens; longer captions are cut
    vocabulary: int = 2000  # tokens of a tokenizer trained here, at most
    # data
    texts: str = "text"  # text, all, augment_only: which captions of a sample are drawn from
    workers: int = 0  # processes that read and decode
    broken_share: float = 0.05  # of the samples seen; more broken ones stop the run
    seed: int = 3407
    # steps
    batch: int = 2304  # clips a step, over all ranks
    chunks: int = 1  # a step's memory is that of batch / chunks / ranks clips; gradients stay those of the whole batch
    epochs: int = 45
    steps: int = 0  # 0 = as many as the epochs have
    lr: float = 1e-4
    warmup: int = 3200  # steps
    weight_decay: float = 0.0
    clip_norm: float = 0.0  # 0 = gradients are not clipped
    multi_positive: bool = False  # equal captions in a batch are positives of each other
    lock: str = ""  # audio, text: that tower is not trained
    # machine
    precision: str = "fp32"  # or bf16; mels and loss stay fp32
    checkpointing: bool = False  # activations of the towers are computed again in the backward pass
    compile: bool = False
    wandb: str = ""  # project to log to
    # rhythm, in steps
    log_every: int = 10
    valid_every: int = 0  # 0 = each epoch
    keep: int = 2  # checkpoints beside the best


CHOICES = {
    "audio": ("htsat-tiny", "htsat-base", "cnn14"),
    "text": ("roberta", "bert", "clip"),
    "size": ("published", "tiny"),
    "fusion": ("aff", "daf", "iaff", "none"),
    "texts": ("text", "all", "augment_only"),
    "lock": ("", "audio", "text"),
    "precision": ("fp32", "bf16"),
}
AT_LEAST = {
    "context": 4,
    "vocabulary": 300,
    "workers": 0,
    "batch": 2,
    "chunks": 1,
    "epochs": 1,
    "steps": 0,
    "warmup": 0,
    "keep": 1,
    "log_every": 1,
}


def load_recipe(name: str, changes: list[str]) -> Recipe:
    """Read a bundled recipe or a TOML file, then apply changes such as "batch=16"."""
    path = BUNDLED / f"{name}.toml" if not name.endswith(".toml") else Path(name)
    if not path.is_file():
        bundled = ", ".join(sorted(p.stem for p in BUNDLED.glob("*.toml")))
        raise BadInput(f"no recipe {name!r}; bundled are {bundled}; or give the path of a .toml file")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not TOML: {error}") from error
    recipe = change(Recipe(), values, str(path))
    for one in changes:
        key, equals, text = one.partition("=")
        if not equals:
            raise BadInput(f"--set {one!r}: write key=value")
        recipe = change(recipe, {key: _typed(key, text)}, "--set")
    return recipe


def change(recipe: Recipe, values: dict[str, object], where: str) -> Recipe:
    """Return the recipe with other values, each checked for name, type and range."""
    known = {f.name: f.type for f in fields(Recipe)}
    for key, value in values.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1) or sorted(known)
            raise BadInput(f"{where}: unknown key {key!r}; did you mean {', '.join(near)}?")
        _check(where, key, value, known[key])
    return replace(recipe, **values)  # type: ignore[arg-type]


def from_dict(values: dict[str, object]) -> Recipe:
    """Undo `asdict` of a recipe that an earlier run saved."""
    return change(Recipe(), values, "the saved recipe")


def to_toml(recipe: Recipe) -> str:
    """Write all settings down."""
    lines = (f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in asdict(recipe).items())
    return "\n".join(lines).replace("'", '"') + "\n"


def _typed(key: str, text: str) -> object:
    """Read the value of --set as the type of its key; wrong text is left for the check to name."""
    kind = next((f.type for f in fields(Recipe) if f.name == key), str)
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text) if callable(kind) else text
    except ValueError:
        return text


def _check(where: str, key: str, value: object, kind: object) -> None:
    fits = isinstance(value, bool) == (kind is bool) and isinstance(value, (int, float) if kind is float else kind)  # type: ignore[arg-type]
    if not fits:
        raise BadInput(f"{where}: {key} = {value!r} should be of type {getattr(kind, '__name__', kind)}")
    if key in CHOICES and value not in CHOICES[key]:
        raise BadInput(f"{where}: {key} = {value!r}; allowed are {', '.join(map(repr, CHOICES[key]))}")
    if isinstance(value, (int, float)) and value < AT_LEAST.get(key, 0):
        raise BadInput(f"{where}: {key} = {value!r} should be at least {AT_LEAST.get(key, 0)}")

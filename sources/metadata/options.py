"""Check the keys that every `[[sources]]` entry of a recipe may hold, and names of datasets and splits."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PrivateAttr,
    Strict,
    StringConstraints,
    TypeAdapter,
    with_config,
)
from typing_extensions import TypedDict

from pipeline.output.layout import RESERVED_NAMES
from pipeline.records import TEMPLATE_LABELS, AudioLimits, DebiasScope
from sources.metadata.headers import is_misspelt
from sources.metadata.store_files import local_copy

MAX_SPLIT = 64  # characters
SPLITS = {"val": "valid", "validation": "valid", "training": "train", "testing": "test"}


def _check_not_reserved(name: str) -> str:
    if name.lower() in RESERVED_NAMES:
        raise ValueError(f"{name} is the name of another file or folder in every output folder; choose another name")
    return name


DatasetName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100), AfterValidator(_check_not_reserved)
]


def check_table(record: type, given: Any) -> dict[str, Any]:
    """Check a TOML table against the fields of a dataclass; return the keys that were given, and no defaults.

    Lists become tuples where the field is a tuple; numbers must be finite.

    Raises:
        ValidationError: a key is no field, or its value has another type or breaks the constraints in the field's annotation.

    >>> check_table(AudioLimits, {"min_seconds": 2})
    {'min_seconds': 2.0}
    """
    return _checker(record).validate_python(given)


@lru_cache
def _checker(record: type) -> TypeAdapter[dict[str, Any]]:
    hints = get_type_hints(record, include_extras=True)
    from_toml = {name: Annotated[hint, Strict(False)] if get_origin(hint) is tuple else hint for name, hint in hints.items()}
    table = TypedDict("table", from_toml, total=False)  # type: ignore[misc]
    return TypeAdapter(with_config(ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))(table))  # type: ignore[arg-type]


class SourceOptions(BaseModel):
    """A checked `[[sources]]` entry. `base` is the folder of the recipe, where relative paths start.

    `audio_root` is a folder, zip or tar of recordings; it is searched by id and file name before an address is used.
    `audio` holds the fields of `AudioLimits` that this source sets in place of the recipe's `[audio]`, `debias` replaces that of the
    recipe. `license_version_default` is the
    version of Creative Commons licences that the source names without one ("Attribution").
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: str
    dataset: DatasetName
    audio_root: str | None = None
    audio: Annotated[dict[str, Any], BeforeValidator(partial(check_table, AudioLimits))] = {}
    debias: DebiasScope | None = None
    license_version_default: Literal["1.0", "2.0", "2.5", "3.0", "4.0"] | None = None
    base: Path
    _local_files: tuple[Path, ...] = PrivateAttr(())
    _template_labels: int = PrivateAttr(TEMPLATE_LABELS)

    def with_local_files(self, folders: tuple[Path, ...]) -> Self:
        """Return these options with the folders that `local_files` of the recipe allows."""
        copy = self.model_copy()
        copy._local_files = folders
        return copy

    def with_template_labels(self, n_labels: int) -> Self:
        """Return these options with the number of labels that the recipe allows in a template."""
        copy = self.model_copy()
        copy._template_labels = n_labels
        return copy

    @property
    def template_labels(self) -> int:
        """The largest number of labels in a caption by template, of the recipe's `template_labels`."""
        return self._template_labels

    @property
    def allowed_folders(self) -> tuple[Path, ...]:
        """The folders that links below a folder of recordings may lead to: the recipe's, and those in its `local_files`."""
        return (self.base, *self._local_files)

    @property
    def paths_start_in(self) -> Path | None:
        """The folder that relative paths of this source start from; `None` when it names no files."""
        return None

    def resolve(self, path: str) -> Path:
        """Return `path` as given when absolute, otherwise below the recipe's folder; of a file in a store its copy.

        Raises:
            ValueError: the store cannot be read.
        """
        return local_copy(self.base, path)


def split_name(given: str) -> str:
    """Return the name of a split's folder: lower case, `valid` for "val" and "validation", `train` for an empty name.

    Any other name is a split of its own, such as "dev", "eval" or "fold1".

    Raises:
        ValueError: the name is longer than `MAX_SPLIT`, holds other characters than letters, digits, '_' and '-', or is a misspelt
            train, valid or test.

    >>> split_name("Validation"), split_name(""), split_name("balanced_train")
    ('valid', 'train', 'balanced_train')
    """
    name = given.strip().lower() or "train"
    name = SPLITS.get(name, name)
    if not re.fullmatch(rf"[a-z0-9_-]{{1,{MAX_SPLIT}}}", name):
        raise ValueError(f"split {given[:MAX_SPLIT]!r} is not a name of at most {MAX_SPLIT} letters, digits, '_' and '-'")
    if name.isalpha() and name not in SPLITS.values():
        for known in (*SPLITS, *SPLITS.values()):
            if is_misspelt(name, known):
                raise ValueError(f"split {given[:MAX_SPLIT]!r} is nearly {known!r}: write that, or a name that is not so near")
    return name

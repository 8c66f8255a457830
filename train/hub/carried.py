"""Write the code of the feature extractor into an exported folder, so that the folder needs nothing of this project."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from train.hub import feature_extraction
from train.hub.feature_extraction import FixedClapFeatureExtractor

OUR_IMPORT = re.compile(r"^from (train(?:\.\w+)*)\.(\w+) import", re.MULTILINE)
ENTRY = Path(feature_extraction.__file__)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class CarriedCode:
    """Python sources by file name, which import each other relatively, and the name of the extractor's class in them."""

    sources: dict[str, str]
    class_name: str


def carried_code() -> CarriedCode:
    """Return the source of the extractor and of all modules of ours that it imports.

    The name of the class ends in a hash of the sources, for transformers tells classes apart by their names alone. Folders with equal code
    share it, and a process may load folders with different code.
    """
    sources: dict[str, str] = {}
    waiting = [ENTRY]
    while waiting:
        path = waiting.pop()
        if path.name not in sources:
            source = path.read_text(encoding="utf-8")
            waiting += imported_files(source)
            sources[path.name] = OUR_IMPORT.sub(r"from .\2 import", source)
    name = FixedClapFeatureExtractor.__name__
    digest = hashlib.sha256(json.dumps(sorted(sources.items())).encode()).hexdigest()[:12]
    sources[ENTRY.name] = sources[ENTRY.name].replace(name, f"{name}_{digest}")
    return CarriedCode(dict(sorted(sources.items())), f"{name}_{digest}")


def imported_files(source: str) -> list[Path]:
    """Return the files of the modules of ours that a source imports.

    >>> [path.name for path in imported_files("from train.towers.features import HOP")]
    ['features.py']
    """
    return [ROOT / f"{package.replace('.', '/')}/{module}.py" for package, module in OUR_IMPORT.findall(source)]


def write_extractor(folder: Path, fused: bool) -> None:
    """Write the carried code, and preprocessor_config.json, by which AutoFeatureExtractor finds it."""
    code = carried_code()
    for name, source in code.sources.items():
        (folder / name).write_text(source, encoding="utf-8")
    auto_map = {"AutoFeatureExtractor": f"{ENTRY.stem}.{code.class_name}"}
    config = FixedClapFeatureExtractor(fused, auto_map=auto_map, processor_class="ClapProcessor").to_dict()
    text = json.dumps({**config, "feature_extractor_type": code.class_name}, indent=2)
    (folder / "preprocessor_config.json").write_text(text + "\n", encoding="utf-8")

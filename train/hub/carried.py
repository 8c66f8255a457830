"""Write the code of the feature extractor into an exported folder, so that the folder needs nothing of this project."""

import hashlib
import json
import re
from pathlib import Path

from train.hub import feature_extraction
from train.hub.feature_extraction import FixedClapFeatureExtractor

OURS = re.compile(r"^from train\.(?:\w+\.)*(\w+) import", re.MULTILINE)
ENTRY = Path(feature_extraction.__file__)
ROOT = Path(__file__).parents[2]


def carried_modules() -> dict[str, str]:
    """Return the source of the extractor and of all modules of ours that it imports, by file name. They import each other relatively.

    The name of the class ends in a hash of all sources, for transformers knows a class by its name alone: folders with equal code share
    it, and a process may load folders with different code.
    """
    sources: dict[str, str] = {}
    waiting = [ENTRY]
    while waiting:
        path = waiting.pop()
        source = path.read_text(encoding="utf-8")
        waiting += [file for file in imported_files(source) if file.name not in sources and file != path]
        sources[path.name] = OURS.sub(r"from .\1 import", source)
    name = class_name(sources)
    sources[ENTRY.name] = sources[ENTRY.name].replace(FixedClapFeatureExtractor.__name__, name)
    return dict(sorted(sources.items()))


def imported_files(source: str) -> list[Path]:
    """Return the files of the modules of ours that a source imports.

    >>> [path.name for path in imported_files("from train.towers.features import HOP")]
    ['features.py']
    """
    modules = [match.group().split()[1] for match in OURS.finditer(source)]
    return [ROOT / f"{module.replace('.', '/')}.py" for module in modules]


def class_name(sources: dict[str, str]) -> str:
    """Return the name of the extractor's class in an exported folder with these sources."""
    digest = hashlib.sha256(json.dumps(sorted(sources.items())).encode()).hexdigest()
    return f"{FixedClapFeatureExtractor.__name__}_{digest[:12]}"


def write_extractor(folder: Path, fused: bool) -> None:
    """Write the carried modules, and preprocessor_config.json, by which AutoFeatureExtractor finds them."""
    modules = carried_modules()
    for name, source in modules.items():
        (folder / name).write_text(source, encoding="utf-8")
    found = re.search(r"^class (\w+)", modules[ENTRY.name], re.MULTILINE)
    assert found
    extractor = FixedClapFeatureExtractor(fused, auto_map={"AutoFeatureExtractor": f"{ENTRY.stem}.{found[1]}"}, processor_class="ClapProcessor")
    config = {**extractor.to_dict(), "feature_extractor_type": found[1]}
    (folder / "preprocessor_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

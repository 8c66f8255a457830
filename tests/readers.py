"""`make readers`: let the programs of others read a built set, and compare keys, texts and waveforms with what the tars hold.

`python -m tests.readers FOLDER [--write]` runs each reader in a process of its own, in the environment `.venv-readers`. `--write` puts the
table into docs/readers.md. Exit code 1 when a reader reads anything else.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "readers.md"
ENVIRONMENT = ROOT / ".venv-readers"
SPLITS = ("train", "valid", "test")
SECONDS = 900
"""A reader that takes longer hangs: the bundled set has 70 samples."""
READERS = {
    "webdataset": ("webdataset", "the tars, decoded by its own rules"),
    "datasets": ("datasets", "`load_dataset(FOLDER)`, audio decoded by it"),
    "laion_clap": ("laion-clap", "`get_wds_dataset` of the paper's trainer"),
    "energon": ("megatron-energon", "`energon prepare`, then its loader"),
    "lhotse": ("lhotse", "`Recording.from_bytes` over the tars"),
    "mlcroissant": ("mlcroissant", "records of croissant.json"),
}
"""Reader of tests/foreign_readers.py -> its package, and what of it is run."""
NOT_INSTALLED = {"open_clip": "the newest version that can be installed, 3.3.0, has no loader of audio"}


@dataclass(frozen=True)
class Result:
    """What a reader read: samples that are equal and different; `why` where it could not run."""

    name: str
    version: str
    equal: int = 0
    different: tuple[str, ...] = ()
    why: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether it ran and read anything else, or failed."""
        return bool(self.different) or (bool(self.why) and bool(self.version))


def truth(root: Path, split: str) -> dict[str, dict[str, Any]]:
    """Return what the tars of a split hold, by key: texts and 16-bit frames."""
    samples: dict[str, dict[str, Any]] = {}
    for path in sorted(root.glob(f"*/{split}/*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                key, _, kind = member.name.partition(".")
                data = file.read()
                if kind == "json":
                    samples.setdefault(key, {})["text"] = json.loads(data)["text"]
                else:
                    samples.setdefault(key, {})["frames"] = soundfile.read(io.BytesIO(data), dtype="int16")[0]
    return samples


def differences(name: str, read: list[dict[str, Any]], samples: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each sample that is missing, there twice, or has another text or waveform."""
    keys = [each["key"] for each in read]
    for key in sorted(samples.keys() - set(keys)):
        yield f"{key}: not read"
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"{key}: read twice"
    for each in read:
        held = samples.get(each["key"])
        if held is None:
            yield f"{each['key']}: not in the set"
        elif list(each["text"]) != held["text"]:
            yield f"{each['key']}: other text"
        elif each["sha256"] != hashlib.sha256(as_read(name, held["frames"], each["n_frames"]).tobytes()).hexdigest():
            yield f"{each['key']}: another waveform"


def as_read(name: str, frames: np.ndarray, n_frames: int) -> np.ndarray:
    """Return the frames as a reader gives them. laion-clap multiplies by 32,767 / 32,768, cuts to whole numbers, and pads with zeros."""
    if name != "laion_clap":
        return frames
    scaled = (np.clip(frames.astype(np.float32) / 32_768, -1, 1) * 32_767).astype(np.int16)
    return np.pad(scaled, (0, max(0, n_frames - len(scaled))))


def run_reader(name: str, root: Path, python: Path) -> Result:
    """Run a reader over all splits, and compare."""
    package, _ = READERS[name]
    code = f"from importlib.metadata import version; print(version({package!r}))"
    asked = subprocess.run([str(python), "-c", code], capture_output=True, text=True)
    if asked.returncode:
        return Result(name, "", why=f"{package} is not installed")
    version, equal, different = asked.stdout.strip(), 0, list[str]()
    for split in SPLITS:
        samples = truth(root, split)
        if not samples:
            continue
        command = [str(python), "-P", "-W", "ignore", str(ROOT / "tests" / "foreign_readers.py"), name, str(root), split]
        env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(root.parent / "huggingface"), "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return Result(name, version, equal, tuple(different), f"{split}: no end after {SECONDS} s")
        if done.returncode:
            return Result(name, version, equal, tuple(different), f"{split}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        read = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        wrong = list(differences(name, read, samples))
        different += wrong
        equal += len(samples) - len(wrong)
    return Result(name, version, equal, tuple(different))


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table."""
    lines = ["| reader | version | what is run | samples equal | different |", "|---|---|---|---|---|"]
    for result in results:
        package, what = READERS[result.name]
        lines.append(f"| `{package}` | {result.version or '–'} | {result.why or what} | {result.equal} | {len(result.different)} |")
    lines += [f"| `{name}` | – | {why} | – | – |" for name, why in NOT_INSTALLED.items()]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run all readers, print the table, and name what is different."""
    parser = argparse.ArgumentParser(prog="python -m tests.readers", description=__doc__)
    parser.add_argument("folder", type=Path, help="output folder of a build of the bundled set")
    parser.add_argument("--only", choices=READERS, help="one reader")
    parser.add_argument("--write", action="store_true", help="write the table into docs/readers.md")
    options = parser.parse_args(arguments)
    results = []
    for name in [options.only] if options.only else READERS:
        result = run_reader(name, options.folder.resolve(), ENVIRONMENT / "bin" / "python")
        results.append(result)
        print(f"{name}: {result.equal} equal, {len(result.different)} different {result.why}".rstrip(), flush=True)
        print("\n".join(f"  {line}" for line in result.different[:10]))
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(
            re.sub(r"(<!-- readers -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{table(results)}\n{m[2]}", text, flags=re.DOTALL)
        )
    return int(any(result.is_wrong for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Compare the trainer with laion-clap and transformers, all in one environment, so that torch is the same.

`python -m bench train`. laion-clap pins versions that clash with this project's, so the bench makes `.venv/bench-train` the first time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path

from bench.measure import Row

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venv" / "bench-train"
PACKAGES = [
    "torch==2.9.1",
    "torchaudio==2.9.1",
    "torchvision==0.24.1",
    "transformers==5.23.0",
    "torchlibrosa",
    "librosa",
    "h5py",
    "ftfy",
    "pandas",
    "scikit-learn",
    "webdataset",
    "braceexpand",
    "miniaudio",
    "soundfile",
    "soxr",
    "fsspec",
    "aiohttp",
    "av",
    "pyarrow",
    "tenacity",
    "pydantic",
    "tqdm",
    "pillow",
]
WITHOUT_DEPENDENCIES = ("laion-clap==1.1.7", "wget")
PARTS = ("front_end", "step", "memory", "loader", "embed")


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return the table's lines; the corpus is not used, the sounds are made."""
    return as_rows(run(quick))


def run(quick: bool, python: Path | None = None) -> dict[str, float]:
    """Measure all parts, each in a fresh process; `python` is that of an existing environment, by default of the bench's."""
    python = python or environment()
    measured: dict[str, float] = {}
    for part in PARTS:
        command = [str(python), "-W", "ignore", "-m", "bench.train_sides", part, *(["quick"] if quick else [])]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        measured |= json.loads(done.stdout.splitlines()[-1])
    return measured


def environment() -> Path:
    """Return the python of the bench's environment, which is made if it is missing."""
    python = ENVIRONMENT / "bin" / "python"
    marker = ENVIRONMENT / f"complete-{zlib.crc32(repr(PACKAGES).encode()):08x}"
    if not marker.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True)
        subprocess.run([*pip, "--no-deps", *WITHOUT_DEPENDENCIES], check=True)
        marker.touch()
    return python


def as_rows(measured: dict[str, float]) -> list[Row]:
    """Return what was measured as rows: ratios and figures; seconds are CPU seconds on one thread."""

    def ratio(name: str, slow: str, fast: str, target: str = "") -> Row:
        return Row("train", name, measured[slow] / measured[fast], "x", None, target)

    in_bf16 = (
        [ratio("step of 8, laion-clap / ours in bf16", "step_laion", "step_ours_bf16", ">= 2.4")] if "step_ours_bf16" in measured else []
    )
    return [
        ratio("front-end of a 10 s clip, laion-clap / ours", "front_laion", "front_ours", ">= 4"),
        ratio("front-end of a 10 s clip, transformers / ours", "front_transformers", "front_ours", ">= 4"),
        Row("train", "front-end of a 10 s clip", measured["front_ours"] * 1e3, "ms", None, "<= 3.5"),
        ratio("front-end of a 10 s clip / of a 4 s clip", "front_ours", "front_ours_4"),
        ratio("front-end of a 10 s clip / of 4 s without a period", "front_ours", "front_ours_padded"),
        Row("train", "front-end of a 300 s clip", measured["front_ours_300"] * 1e3, "ms"),
        ratio("step of 8, laion-clap / ours in fp32", "step_laion", "step_ours", ">= 1.9"),
        *in_bf16,
        ratio("step of 8, transformers / ours in fp32", "step_transformers", "step_ours", ">= 1.3"),
        Row("train", "memory of a step in 8 parts / in one", measured["memory_chunked"] / measured["memory_plain"], "x", None, "<= 0.3"),
        Row("train", "loader, clips of 10 s", measured["loader"], "clips/CPU s", None, ">= 90"),
        Row("train", "loader, clips of 5 s", measured["loader_5"], "clips/CPU s", None, ">= 140"),
        Row("train", "audio embeddings", measured["embed_audio"], "clips/CPU s"),
        Row("train", "text embeddings", measured["embed_text"], "texts/CPU s"),
    ]


def main() -> None:
    """Print the table: `python -m bench.train [--quick] [PYTHON]`."""
    others = [a for a in sys.argv[1:] if a != "--quick"]
    measured = run("--quick" in sys.argv, Path(others[0]) if others else None)
    for row in as_rows(measured):
        mark = "" if row.reached is None else f"{'reached' if row.reached else 'MISSED'} {row.target}"
        print(f"{row.name:50} {row.value:9.2f} {row.unit:12} {mark}")
    print(json.dumps(measured))


if __name__ == "__main__":
    main()

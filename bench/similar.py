"""`python -m bench.similar FOLDER...`: plant altered copies of sounds, and count how many of them are found, and the false pairs.

The sounds are those of `manifest.jsonl` in each folder, one object a clip: `path`, and `raw`, which has the Freesound id (`fsid`) or is a
text that names originals, as `"NAME" by`. Sounds with an id or an original in common, or whose waveforms correlate by more than 0.5, are
one family: that they are similar is true. No sound of another family is a copy.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pipeline.records import SAMPLE_RATE
from tests.altered import ALTERED
from transforms.audio.fingerprint import fingerprint
from transforms.audio.similar_pairs import SimilarPair, similar_pairs
from transforms.audio.similar_sounds import LEAST_SHARE, measured

LENGTHS = {"1-4 s": (1.0, 4.0), "4-10 s": (4.0, 10.0), "> 10 s": (10.0, 60.0)}
THRESHOLDS = (2, 3, 4, 5, 6, 8, 10, 15, 20)  # different hashes at one shift
SHARES = (0.2, 0.25, 0.3, 0.4)

Sound = tuple[frozenset[int], str, np.ndarray]
"""Families of what is heard, what was done to the sound, and its frames: int16 mono 48 kHz."""


def main(arguments: list[str]) -> int:
    """Print for each length how many copies are found and how many false pairs there are, by threshold."""
    parser = argparse.ArgumentParser(prog="python -m bench.similar", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth sound")
    options = parser.parse_args(arguments)
    sounds = [sound for folder in options.folders for sound in read(folder)][:: options.every]
    families = families_of(sounds)
    print(f"{len(sounds)} sounds in {len(set(families))} families", flush=True)
    for name, (least, most) in LENGTHS.items():
        originals = list(of_length([frames for _, frames in sounds], families, least, most))
        report(name, [(family, what, change(frames)) for family, frames in originals for what, change in {"": _same, **ALTERED}.items()])
    return 0


def read(folder: Path) -> Iterator[tuple[frozenset[str], np.ndarray]]:
    """Yield the origins of each sound of a folder, and its frames without the silence around them."""
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        values, rate = soundfile.read(folder / entry["path"], dtype="float32", always_2d=True)
        frames = np.clip(np.rint(soxr.resample(values.mean(axis=1), rate, SAMPLE_RATE) * 32768), -32768, 32767).astype(np.int16)
        loud = np.flatnonzero(np.abs(frames.astype(np.int32)) > 8)
        raw = entry["raw"]
        origins = {raw["fsid"]} if isinstance(raw, dict) else set(re.findall(r'"([^"]+)" by ', str(raw)))
        if len(loud):
            yield frozenset(origins), frames[loud[0] : loud[-1] + 1]


def families_of(sounds: Sequence[tuple[frozenset[str], np.ndarray]]) -> list[int]:
    """Return the number of the family of each sound."""
    families = list(range(len(sounds)))
    for a, b in itertools.combinations(range(len(sounds)), 2):
        if families[a] != families[b] and (sounds[a][0] & sounds[b][0] or correlation(sounds[a][1], sounds[b][1]) > 0.5):
            families = [families[a] if family == families[b] else family for family in families]
    return families


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return the highest correlation of two sounds over all shifts, at 6 kHz."""
    a, b = (frames[: len(frames) // 8 * 8].reshape(-1, 8).mean(axis=1) for frames in (a, b))
    n = 1 << (len(a) + len(b)).bit_length()
    products = np.fft.irfft(np.fft.rfft(a, n) * np.conj(np.fft.rfft(b, n)), n)
    return float(np.abs(products).max() / np.sqrt((a @ a) * (b @ b) + 1))


def of_length(
    sounds: Sequence[np.ndarray], families: Sequence[int], least: float, most: float
) -> Iterator[tuple[frozenset[int], np.ndarray]]:
    """Yield sounds of a length and their families: parts of those that are longer, or three in a row where all are shorter."""
    chance = np.random.default_rng(0)
    if least >= 10:
        for first in range(0, len(sounds) - 2, 3):
            joined = np.concatenate(sounds[first : first + 3])
            if len(joined) >= least * SAMPLE_RATE:
                yield frozenset(families[first : first + 3]), joined
        return
    for family, frames in zip(families, sounds, strict=True):
        if len(frames) >= least * SAMPLE_RATE:
            yield frozenset([family]), frames[: round(chance.uniform(least, most) * SAMPLE_RATE)]


def _same(frames: np.ndarray) -> np.ndarray:
    return frames


def report(name: str, sounds: Sequence[Sound]) -> None:
    """Print how many copies of one length are found, and how many false pairs, by threshold."""
    pairs = list(similar_pairs([fingerprint(frames) for _, _, frames in sounds], judge=measured))
    n_pairs = sum(a[0].isdisjoint(b[0]) for a, b in itertools.combinations(sounds, 2))
    print(f"\n{name}: {len(sounds)} sounds, {n_pairs / 1e6:.2f} million pairs of different families")
    for share, least in itertools.product(SHARES, THRESHOLDS):
        kept = [pair for pair in pairs if pair.match.n_hashes >= least and pair.match.share >= share]
        false = sum(sounds[pair.a][0].isdisjoint(sounds[pair.b][0]) for pair in kept)
        recall = _share_paired(sounds, kept, lambda _: True)
        print(f"  share >= {share}, {least:2} hashes: {recall:.4f} of the copies, {false} false pairs", flush=True)
    kept = [pair for pair in pairs if pair.match.n_hashes >= 5 and pair.match.share >= LEAST_SHARE]
    for what in ALTERED:
        print(f"  {what:32} {_share_paired(sounds, kept, what.__eq__):.4f}")


def _share_paired(sounds: Sequence[Sound], pairs: Sequence[SimilarPair], of: Callable[[str], bool]) -> float:
    """Return the share of the altered copies that are paired with the sound that they were made of."""
    paired = {(pair.a, pair.b) for pair in pairs}
    n_each = len(ALTERED) + 1
    copies = [number for number, (_, what, _) in enumerate(sounds) if what and of(what)]
    return sum((number - number % n_each, number) in paired for number in copies) / max(1, len(copies))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

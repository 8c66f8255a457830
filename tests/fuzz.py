"""Convert damaged recordings for some time: `python -m tests.fuzz SECONDS [SEED]`. Exit code 1 when one does harm.

Every damaged recording must become a sample that `verify` accepts, or have a reason. A crash, a hang or an exception is harm.
"""

from __future__ import annotations

import collections
import io
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import soundfile

from pipeline.records import SAMPLE_RATE, AudioLimits, Reason, Rejected
from tests.sounds import FORMATS, encoded, film, id3
from transforms.audio.conversion_pool import ConversionError, ConversionPool
from transforms.audio.converted import Converted
from transforms.audio.excerpt import Excerpt

LIMITS = AudioLimits(max_seconds=30.0)
EXPECTED = frozenset(
    {Reason.NOT_AUDIO, Reason.UNSUPPORTED, Reason.CORRUPT, Reason.EMPTY, Reason.SILENT, Reason.TOO_SHORT, Reason.TOO_LONG}
    | {Reason.OUT_OF_RANGE, Reason.LIMIT_EXCEEDED}
)
"""Reasons that damaged recordings may have. A damaged header may ask for more memory than a process may use; a hang would be `timeout`."""

Run = Callable[[Path, list[Excerpt], AudioLimits, Path], list[Converted | Rejected]]


def undamaged() -> list[bytes]:
    """Return recordings, one in every format."""
    return [encoded(name, 0.3) for name in FORMATS] + [film(with_sound=True), id3(50) + encoded("mp3", 0.3)]


def damage(data: bytes, chance: random.Random) -> bytes:
    """Return the recording with one to eight damages."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        kind, at = chance.randrange(6), chance.randrange(len(damaged)) if damaged else 0
        if kind == 0:  # bits are flipped
            for _ in range(chance.choice((1, 4, 64))):
                damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        elif kind == 1:  # the end is missing
            del damaged[max(1, at) :]
        elif kind == 2:  # a value of the header is changed
            at = chance.randrange(min(128, len(damaged)))
            value = chance.choice((b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\x01", chance.randbytes(4)))
            damaged[at : at + len(value)] = value
        elif kind == 3:  # a piece is missing
            del damaged[at : at + chance.choice((1, 100, 5000))]
        elif kind == 4:  # a piece comes twice
            damaged[at:at] = damaged[at : at + chance.choice((10, 1000))]
        else:  # a piece is noise
            size = min(chance.choice((16, 512)), len(damaged) - at)
            damaged[at : at + size] = chance.randbytes(size)
        if not damaged:
            return b"\x00"
    return bytes(damaged)


def fault_of(result: Converted | Rejected) -> str:
    """Return what is wrong with a result; empty when nothing is."""
    if isinstance(result, Rejected):
        harmless = result.reason in EXPECTED and "crashed" not in result.detail
        return "" if harmless else str(result)
    flac = result.flac if isinstance(result.flac, bytes) else result.flac.read_bytes()
    with soundfile.SoundFile(io.BytesIO(flac)) as sound:
        kind = sound.format, sound.subtype, sound.channels, sound.samplerate
        promised, frames = sound.frames, len(sound.read(dtype="int16"))
    if kind != ("FLAC", "PCM_16", 1, SAMPLE_RATE) or not 0 < frames == promised == result.statistics.n_frames:
        return f"not a sample: {kind}, {frames} frames, {promised} promised, {result.statistics.n_frames} in the books"
    return ""


def convert_damaged(data: bytes, chance: random.Random, run: Run, folder: Path) -> tuple[list[Converted | Rejected], str]:
    """Convert a damaged recording or excerpts of it; return the results and what is wrong with them, empty when nothing is."""
    (folder / "damaged").write_bytes(data)
    excerpts = [Excerpt()] if chance.random() < 0.6 else [Excerpt(0.05, 0.2), Excerpt(0.1, None), Excerpt(0.0, 0.25)]
    try:
        results = run(folder / "damaged", excerpts, LIMITS, folder)
        faults = [fault_of(result) for result in results]
    except (ConversionError, soundfile.LibsndfileError) as error:
        return [], str(error)
    for result in results:
        if isinstance(result, Converted) and isinstance(result.flac, Path):
            result.flac.unlink()
    return results, next(filter(None, faults), "")


def main(arguments: list[str]) -> int:
    """Convert damaged recordings for the given seconds and print what happened; recordings that did harm stay in a folder."""
    seconds = float(arguments[0]) if arguments else 60.0
    seed = int(arguments[1]) if len(arguments) > 1 else int(time.time())
    chance, originals, pool = random.Random(seed), undamaged(), ConversionPool(1, seconds=30.0)
    outcomes: collections.Counter[str] = collections.Counter()
    harmful = Path(tempfile.mkdtemp(prefix="fuzz-"))
    began, n_damaged, n_harmful = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() - began < seconds:
            data = damage(chance.choice(originals), chance)
            results, fault = convert_damaged(data, chance, pool.convert, Path(folder))
            n_damaged += 1
            outcomes.update(str(result.reason) if isinstance(result, Rejected) else "sample" for result in results)
            if fault:
                n_harmful += 1
                (harmful / str(n_damaged)).write_bytes(data)
                print(f"recording {n_damaged} (seed {seed}), stored in {harmful}: {fault}")
    pool.close()
    print(f"{n_damaged} damaged copies of {len(originals)} recordings in {time.monotonic() - began:.0f} s, {n_harmful} did harm")
    print(f"outcomes: {dict(outcomes)}")
    return 1 if n_harmful else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

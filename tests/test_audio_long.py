"""An hour costs no more memory than ten seconds, and many excerpts of it cost one pass."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.records import AudioLimits, Reason, Rejected
from tests.sounds import FORMATS, RATE
from transforms.audio import decode as module
from transforms.audio.convert import Converted, convert
from transforms.audio.excerpt import Excerpt

PROGRAM = """
import sys
from pathlib import Path
from pipeline.records import AudioLimits
from transforms.audio.convert import Converted, convert
from transforms.audio.excerpt import Excerpt

def highest():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

place = Path(sys.argv[1])
convert(place / "short", [Excerpt()], AudioLimits(), place)
base = highest()
(result,) = convert(place / "long", [Excerpt()], AudioLimits(), place)
assert isinstance(result, Converted), result
print(highest() - base, result.statistics.duration)
"""


def long_file(path: Path, seconds: int, container: str, subtype: str) -> None:
    noise = np.random.default_rng(6).uniform(-0.3, 0.3, (RATE * 10, 2)).astype(np.float32)
    with soundfile.SoundFile(path, "w", RATE, 2, subtype, format=container) as sound:
        for _ in range(seconds // 10):
            sound.write(noise)


def memory_over_base(seconds: int, container: str, subtype: str, place: Path) -> float:
    """Return how many MB more than ten seconds so many seconds take at their highest."""
    long_file(place / "short", 10, container, subtype)
    long_file(place / "long", seconds, container, subtype)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM, str(place)], stdout=subprocess.PIPE, text=True, check=True)
    extra, duration = map(float, done.stdout.split())
    assert duration == pytest.approx(seconds, abs=0.1)
    return extra


def test_eight_minutes_take_hardly_more_memory_than_ten_seconds(tmp_path):
    assert memory_over_base(480, "WAV", "PCM_16", tmp_path) < 50


@pytest.mark.slow
@pytest.mark.parametrize(("container", "subtype"), [("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_an_hour_stays_below_200_mb(container, subtype, tmp_path):
    assert memory_over_base(3600, container, subtype, tmp_path) < 200


EXCERPTS = [Excerpt(2.0, 3.0), Excerpt(0.5, 1.5), Excerpt(1.0, 2.5), Excerpt(), Excerpt(7.0, 8.0), Excerpt(3.9, None)]


@pytest.mark.parametrize("name", ["wav_16", "flac_24", "m4a", "vorbis", "mp3_without_xing"])
def test_excerpts_together_are_what_each_is_alone(name, tmp_path):
    noise = np.random.default_rng(8).uniform(-0.9, 0.9, (4 * RATE, 2))
    (tmp_path / "a").write_bytes(FORMATS[name].make(noise, RATE))
    together = convert(tmp_path / "a", EXCERPTS, AudioLimits(), tmp_path)
    for excerpt, result in zip(EXCERPTS, together, strict=True):
        (alone,) = convert(tmp_path / "a", [excerpt], AudioLimits(), tmp_path)
        if isinstance(result, Rejected):
            assert isinstance(alone, Rejected)
            assert result.reason is alone.reason is Reason.OUT_OF_RANGE
        else:
            assert result == alone


def test_excerpts_of_a_lossy_recording_are_cut_in_one_pass(tmp_path, monkeypatch):
    passes = []
    real = module.decode_av
    monkeypatch.setattr(module, "decode_av", lambda *arguments: (passes.append(1), real(*arguments))[1])
    (tmp_path / "a").write_bytes(FORMATS["m4a"].make(np.random.default_rng(8).uniform(-0.9, 0.9, (4 * RATE, 2)), RATE))
    results = convert(tmp_path / "a", EXCERPTS, AudioLimits(), tmp_path)
    assert sum(isinstance(result, Converted) for result in results) == 5
    assert len(passes) == 1

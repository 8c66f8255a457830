"""What is measured in a sample's FLAC is what the conversion recorded; anything else is no intact FLAC."""

from __future__ import annotations

import io
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.records import AudioLimits
from tests.fates import tone
from transforms.audio.convert import convert
from transforms.audio.converted import Converted
from transforms.audio.excerpt import Excerpt
from transforms.audio.flac_statistics import MEASURED, agrees, flac_statistics


def flac(frames: np.ndarray, rate: int = 48_000, **options: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, rate, **{"format": "FLAC", "subtype": "PCM_16"} | options)
    return buffer.getvalue()


@pytest.fixture
def converted(tmp_path: Path) -> Converted:
    soundfile.write(tmp_path / "a.wav", tone(300, 2.0), 44_100)
    (result,) = convert(tmp_path / "a.wav", [Excerpt()], AudioLimits(), tmp_path)
    assert isinstance(result, Converted)
    return result


def test_the_statistics_are_those_of_the_conversion(converted: Converted) -> None:
    assert isinstance(converted.flac, bytes)
    measured = flac_statistics(io.BytesIO(converted.flac))
    assert measured is not None and agrees(measured, asdict(converted.statistics))
    for name in MEASURED:
        assert not agrees(measured, asdict(converted.statistics) | {name: -1})
    other = replace(converted.statistics, clipped_fraction=0.5, n_nonfinite=3)  # of the recording, not of the sample
    assert agrees(measured, asdict(other))


@pytest.mark.parametrize("n_cut", [1, 100, 5000])
def test_a_flac_that_is_cut_is_not_intact(n_cut: int) -> None:
    assert flac_statistics(io.BytesIO(flac(tone(300, 1.0, 48_000))[:-n_cut])) is None


def test_other_formats_are_not_intact() -> None:
    frames = tone(300, 0.1, 48_000)
    assert flac_statistics(io.BytesIO(flac(frames))) is not None
    assert flac_statistics(io.BytesIO(flac(frames, 44_100))) is None
    assert flac_statistics(io.BytesIO(flac(np.stack([frames, frames], 1)))) is None
    assert flac_statistics(io.BytesIO(flac(frames, subtype="PCM_24"))) is None
    assert flac_statistics(io.BytesIO(flac(frames, format="WAV"))) is None
    assert flac_statistics(io.BytesIO(flac(frames[:0]))) is None
    assert flac_statistics(io.BytesIO(b"no sound")) is None

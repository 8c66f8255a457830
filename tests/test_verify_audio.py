"""Header and audio of a FLAC are compared with the books, value by value."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline.verbs import verify_audio as module
from pipeline.verbs.verify_audio import decoded_findings, header_findings
from tests.sounds import flac_with_frame_count
from transforms.audio import flac_statistics
from transforms.audio.file_slice import FileSlice
from transforms.audio.meter import Meter

FRAMES = np.array([32767, -32768, 32767, 0, 1, -1, 100, -200, 32766, -32767] * 10, np.int16)


def flac(frames: np.ndarray = FRAMES, rate: int = 48_000, subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, frames, rate, format="FLAC", subtype=subtype)
    return buffer.getvalue()


def row(frames: np.ndarray = FRAMES, n_clipped: int = 0) -> dict[str, Any]:
    meter = Meter()
    meter.add(frames, n_clipped)
    statistics = meter.statistics(0)
    return {name: getattr(statistics, name) for name in (*module.MEASURED, "clipped_fraction")}


def decoded(data: bytes, of_books: dict[str, Any] | None) -> list[str]:
    return list(decoded_findings(FileSlice(io.BytesIO(data), 0, len(data)), of_books))


def test_a_header_is_compared_with_the_books() -> None:
    assert list(header_findings(flac()[:42], row())) == list(header_findings(flac(), None)) == []
    assert list(header_findings(flac(), row() | {"n_frames": 99})) == ["has 100 frames by its header, the books say 99"]
    big = flac_with_frame_count(flac(), (1 << 36) - 1)
    assert list(header_findings(big, row())) == [f"has {(1 << 36) - 1} frames by its header, the books say 100"]


@pytest.mark.parametrize("n_channels", range(1, 9))
def test_every_number_of_channels_is_read(n_channels: int) -> None:
    findings = list(header_findings(flac(np.stack([FRAMES] * n_channels, 1)), None))
    wrong = [f"is FLAC of 48000 Hz, {n_channels} channels, 16 bits, not of 48000 Hz, 1 channel, 16 bits"]
    assert findings == ([] if n_channels == 1 else wrong)


def test_rate_and_bits_are_read_and_a_wrong_length_is_named_too() -> None:
    what = "not of 48000 Hz, 1 channel, 16 bits"
    assert list(header_findings(flac(rate=96_000), None)) == [f"is FLAC of 96000 Hz, 1 channels, 16 bits, {what}"]
    assert list(header_findings(flac(subtype="PCM_24"), row() | {"n_frames": 1})) == [
        f"is FLAC of 48000 Hz, 1 channels, 24 bits, {what}",
        "has 100 frames by its header, the books say 1",
    ]


def test_what_is_no_flac_or_has_no_streaminfo() -> None:
    data = flac()
    assert list(header_findings(b"RIFF" + data[4:], row())) == ["is not FLAC"]
    assert list(header_findings(data[:41], row())) == ["has no STREAMINFO"]
    assert list(header_findings(data[:4] + b"\x04" + data[5:], row())) == ["has no STREAMINFO"]
    assert list(header_findings(data[:4] + b"\x81" + data[5:], row())) == ["has no STREAMINFO"]
    assert list(header_findings(data[:4] + b"\x80" + data[5:], row())) == []


@pytest.mark.parametrize("block", [1, 7, 100, 1 << 20])
def test_the_audio_of_a_sample_has_the_statistics_of_the_books(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flac_statistics, "BLOCK_FRAMES", block)
    assert decoded(flac(), row()) == decoded(flac(), row(n_clipped=30)) == decoded(flac(), None) == []
    assert decoded(flac(), row(n_clipped=31)) == ["its audio has 30 frames at full scale, fewer than were clipped by the books"]


@pytest.mark.parametrize("name", module.MEASURED)
def test_each_value_that_differs_is_named(name: str) -> None:
    right = row()
    shown = repr(right[name]) if name != "pcm_sha256" else f"{right[name]!r}"[:57] + "..."
    assert decoded(flac(), right | {name: 2}) == [f"its audio has {name} {shown}, the books say 2"]


def test_a_header_that_counts_other_frames_than_the_audio_has() -> None:
    (line,) = decoded(flac_with_frame_count(flac(), 0), row())
    assert line.startswith(("holds 100 frames, its header says", "does not decode ("))


def test_audio_that_does_not_decode_is_the_only_fault() -> None:
    (line,) = decoded(b"fLaC", row())
    assert line.startswith("does not decode (") and "soundfile" not in line
    assert not line.startswith("does not decode (Error opening")

"""A section that is cut out of a copy has exactly the frames that the full recording has there."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from pipeline.records import AudioLimits, Reason, Rejected
from tests.sounds import by_soundfile
from transforms.audio.convert import convert
from transforms.audio.converted import Converted
from transforms.audio.excerpt import Excerpt
from transforms.fetching.youtube.audio_sections import copy_section

SECONDS, RATE = 40, 48_000
FILES = {  # name -> muxer, codec, rate, options of the codec, options of the muxer
    "opus.webm": ("webm", "libopus", 48_000, {}, {}),
    "opus.ogg": ("ogg", "libopus", 48_000, {}, {}),
    "vorbis.ogg": ("ogg", "vorbis", 44_100, {}, {}),
    "aac.m4a": ("ipod", "aac", 44_100, {"aac_pns": "0"}, {}),
    "fragments.m4a": ("mp4", "aac", 48_000, {"aac_pns": "0"}, {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "vorbis.webm": ("webm", "vorbis", 44_100, {}, {}),
    "mp3.mp3": ("mp3", "libmp3lame", 44_100, {}, {}),
    "flac.ogg": ("ogg", "flac", 44_100, {}, {}),
    "low.m4a": ("ipod", "aac", 16_000, {"aac_pns": "0"}, {}),
}
EXCERPTS = [(0.0, 3.0), (2.005, 4.5), (20.0, 24.0), (13.3335, 14.0), (29.999, 31.0)]


@functools.cache
def sound(name: str, seconds: int = SECONDS) -> bytes:
    """Noise below a rising tone, so that every stretch is like no other; encoded as `FILES` says."""
    muxer, codec, rate, options, muxer_options = FILES[name]
    at = np.arange(seconds * rate) / rate
    frames = 0.3 * np.sin(2 * np.pi * (200 * at + 20 * at**2)) + 0.02 * np.random.default_rng(1).standard_normal(len(at))
    if codec == "vorbis":  # PyAV has no encoder for it
        ogg = by_soundfile(frames[:, None], rate, "OGG", "VORBIS")
        return ogg if muxer == "ogg" else remuxed(ogg, muxer)
    block = np.clip(np.rint(frames * 32767), -32768, 32767).astype(np.int16).reshape(1, -1)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=muxer, options=muxer_options) as media:
        stream = media.add_stream(codec, rate=rate, layout="mono", options=options)
        for first in range(0, block.shape[1], 1 << 14):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[:, first : first + (1 << 14)]), format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, first
            media.mux(stream.encode(frame))
        media.mux(stream.encode(None))
    return buffer.getvalue()


def remuxed(data: bytes, muxer: str, late: int = 0) -> bytes:
    """The packets of a file in another container; those after five seconds come `late` ticks later."""
    buffer = io.BytesIO()
    with av.open(io.BytesIO(data)) as media, av.open(buffer, "w", format=muxer) as copy:
        stream = media.streams.audio[0]
        track = copy.add_stream_from_template(stream)
        for packet in media.demux(stream):
            if packet.size:
                packet.pts = packet.dts = packet.pts + (late if packet.pts * stream.time_base > 5 else 0)
                packet.stream = track
                copy.mux(packet)
    return buffer.getvalue()


def frames_of(path: Path, excerpt: Excerpt) -> np.ndarray:
    (result,) = convert(path, [excerpt], AudioLimits(), path.parent)
    assert isinstance(result, Converted), result
    assert isinstance(result.flac, bytes)
    return soundfile.read(io.BytesIO(result.flac), dtype="int16")[0]


@pytest.mark.parametrize("name", ["opus.webm", "opus.ogg", "vorbis.ogg", "aac.m4a", "fragments.m4a", "low.m4a"])
def test_a_section_has_the_frames_of_the_full_recording(name, tmp_path):
    full, copy = tmp_path / "full", tmp_path / "copy.mka"
    full.write_bytes(sound(name))
    for start, end in EXCERPTS:
        offset = copy_section(io.BytesIO(sound(name)), max(start - 5, 0.0), end + 5, copy)
        assert offset is not None, (name, start)
        assert offset <= start
        assert copy.stat().st_size < 0.7 * full.stat().st_size
        expected, actual = (frames_of(path, Excerpt(start, end, offset=begin)) for path, begin in ((full, 0.0), (copy, offset)))
        assert len(actual) == round((end - start) * RATE) or abs(len(actual) - (end - start) * RATE) <= 1
        assert np.array_equal(actual, expected), (name, start)


@pytest.mark.parametrize("name", ["vorbis.webm", "mp3.mp3", "flac.ogg"])
def test_there_is_no_section_where_its_first_frame_cannot_be_proven(name, tmp_path):
    assert copy_section(io.BytesIO(sound(name)), 15.0, 20.0, tmp_path / "copy.mka") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("start", "end"), [(30.0, 40.0), (35.0, 60.0), (50.0, 60.0), (5.0, 30.0)])
def test_there_is_no_section_at_the_end_and_none_of_most_of_a_recording(start, end, tmp_path):
    assert copy_section(io.BytesIO(sound("opus.webm")), start, end, tmp_path / "copy.mka") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b"\x1a\x45\xdf\xa3" * 50, b"#EXTM3U\nfile:///etc/passwd\n", b"RIFF" + bytes(3000)])
def test_other_bytes_have_no_section(data, tmp_path):
    assert copy_section(io.BytesIO(data), 0.0, 5.0, tmp_path / "copy.mka") is None
    assert not list(tmp_path.iterdir())


def test_a_hole_before_the_section_is_no_proof(tmp_path):
    """Packets of Opus are counted from the first one; a file that lacks 10 ms of one has them elsewhere than the count says."""
    late = remuxed(sound("opus.webm"), "webm", late=10)
    assert copy_section(io.BytesIO(late), 15.0, 20.0, tmp_path / "copy.mka") is None


def test_a_fault_of_the_file_that_is_read_is_raised_as_it_is(tmp_path):
    class Refused(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 100_000:
                raise Rejected(Reason.TOO_LARGE, "too much")
            return super().read(size)

    with pytest.raises(Rejected, match="too much"):
        copy_section(Refused(sound("opus.webm")), 20.0, 25.0, tmp_path / "copy.mka")
    assert not list(tmp_path.iterdir())

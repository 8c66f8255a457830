"""Excerpts of MP4, Matroska and WebM are cut at the container's time: a late track and a hole become silence, nothing is dropped."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import InputContainer

from tests.differential import melody
from tests.frame_recorder import FrameRecorder
from tests.sounds import encoded
from transforms.audio.decode import decode
from transforms.audio.excerpt import Excerpt
from transforms.audio.timeline import BELIEVED_HOLE, IGNORED_HOLE, IGNORED_START, MAX_START, Timeline

RATE = 48_000
SOUND = melody(3, 4.0, RATE, 1)[:, 0]
KINDS = {
    "mp4": ("mp4", "aac"),
    "mp4 alac": ("mp4", "alac"),
    "mov": ("mov", "pcm_s16le"),
    "matroska": ("matroska", "pcm_s16le"),
    "webm": ("webm", "libopus"),
}


def timed(kind: str, starts: list[tuple[float, float, float]], with_film: bool = False) -> bytes:
    """Return a container with parts of SOUND: for each the second at which it is shown, and its first and last second in SOUND."""
    muxer, codec = KINDS[kind]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=muxer) as media:
        video = media.add_stream("libvpx" if muxer == "webm" else "mpeg4", rate=10) if with_film else None
        if video is not None:
            video.width = video.height = 32
            video.pix_fmt = "yuv420p"
        audio = media.add_stream(codec, rate=RATE, layout="mono")
        if codec == "alac":
            audio.format = "s16p"
        size = audio.codec_context.frame_size or 1024
        for number in range(60 if video is not None else 0):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), number, np.uint8), format="rgb24")
            picture.pts = number
            media.mux(video.encode(picture))
        for shown, first, last in starts:
            for at in range(round(first * RATE), round(last * RATE), size):
                block = np.rint(SOUND[at : min(at + size, round(last * RATE))] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
                frame.sample_rate, frame.pts = RATE, round(shown * RATE) + at - round(first * RATE)
                frame.time_base = Fraction(1, RATE)
                media.mux(audio.encode(frame))
        if video is not None:
            media.mux(video.encode(None))
        media.mux(audio.encode(None))
    return buffer.getvalue()


def decoded(data: bytes, folder: Path, *spans: tuple[float, float | None]) -> list[np.ndarray]:
    (folder / "a").write_bytes(data)
    recorders = [FrameRecorder(Excerpt(*span)) for span in spans or [(0.0, None)]]
    assert decode(folder / "a", [recorder.cutter for recorder in recorders]) == [None] * len(recorders)
    return [recorder.frames for recorder in recorders]


def is_at(frames: np.ndarray, second: float, first: float, last: float) -> bool:
    """Return whether SOUND from `first` to `last` is heard from `second` on; containers round times to milliseconds."""
    part = SOUND[round((first + 0.01) * RATE) : round((last - 0.01) * RATE)]
    at = round((second + 0.01) * RATE)
    return any(np.corrcoef(part, frames[at + lag : at + lag + len(part)])[0, 1] > 0.95 for lag in range(-72, 73, 8))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("with_film", [True, False])
def test_a_track_that_starts_late_begins_with_silence(kind, with_film, tmp_path):
    full, part = decoded(timed(kind, [(1.0, 0.0, 3.0)], with_film), tmp_path, (0.0, None), (1.5, 2.5))
    assert len(full) / RATE == pytest.approx(4.0, abs=0.03)
    assert np.abs(full[: int(0.95 * RATE)]).max() == 0
    assert is_at(full, 1.1, 0.1, 2.9)
    assert is_at(part, 0.0, 0.5, 1.5)


@pytest.mark.parametrize("kind", ["matroska", "webm", "mp4 alac"])
def test_a_hole_is_filled_with_silence(kind, tmp_path):
    full, before, after = decoded(timed(kind, [(0.0, 0.0, 2.0), (2.5, 2.0, 4.0)]), tmp_path, (0.0, None), (0.5, 1.5), (3.0, 4.0))
    assert len(full) / RATE == pytest.approx(4.5, abs=0.03)
    assert np.abs(full[round(2.1 * RATE) : round(2.4 * RATE)]).max() < 0.02
    assert is_at(before, 0.0, 0.5, 1.5)
    assert is_at(after, 0.0, 2.5, 3.5)


def test_uneven_timestamps_are_no_holes(tmp_path):
    uneven = [(second + 0.04 * second, second, second + 0.5) for second in np.arange(0.5, 4.0, 0.5)]
    (full,) = decoded(timed("matroska", [(0.0, 0.0, 0.5), *uneven]), tmp_path)
    assert np.array_equal(np.rint(full * 32768), np.rint(SOUND * 32767))


@pytest.mark.parametrize("start", [MAX_START + 5, 4000.0])
def test_a_piece_of_a_longer_container_begins_at_its_first_timestamp(start, tmp_path):
    full, part = decoded(timed("matroska", [(start, 0.0, 3.0)]), tmp_path, (0.0, None), (1.0, 2.0))
    assert len(full) / RATE == pytest.approx(3.0, abs=0.03)
    assert is_at(part, 0.0, 1.0, 2.0)


def test_timestamps_that_begin_anew_drop_nothing(tmp_path):
    (full,) = decoded(timed("matroska", [(0.0, 0.0, 2.0)]) * 2, tmp_path)
    assert len(full) / RATE == pytest.approx(4.0, abs=0.03)


def test_the_end_of_an_edit_list_is_kept(tmp_path):
    data = bytearray(encoded("m4a", 2.0))
    at = data.index(b"elst")
    data[at + 12 : at + 16] = (1290).to_bytes(4)  # milliseconds
    (full,) = decoded(bytes(data), tmp_path)
    assert len(full) == 56_889


def frame_at(second: float) -> av.AudioFrame:
    """Return a frame with the timestamp of a second, in the milliseconds of Matroska."""
    frame = av.AudioFrame(format="s16", layout="mono", samples=20)
    frame.sample_rate, frame.pts = 1000, round(second * 1000)
    return frame


@pytest.fixture(scope="module")
def long_media() -> Iterator[InputContainer]:
    """A Matroska file of 102 seconds, with a hole."""
    with av.open(io.BytesIO(timed("matroska", [(0.0, 0.0, 2.0), (100.0, 2.0, 4.0)]))) as media:
        yield media


def silence_before(media: InputContainer, second: float, position: float = 2.0) -> float:
    """Return the silence before a frame of this second that follows another one, which ends at `position`."""
    timeline = Timeline(media, media.streams.audio[0])
    timeline.silence_before(frame_at(position - 0.02), position - 0.02)
    return timeline.silence_before(frame_at(second), position)


@pytest.mark.parametrize(
    ("second", "silence"),
    [
        (2.0, 0.0),
        (1.99 + IGNORED_HOLE, 0.0),
        (2.01 + IGNORED_HOLE, 0.21),
        (2.0 + BELIEVED_HOLE, BELIEVED_HOLE),
        (100.0, 98.0),
        (101.5, 99.5),
        (102.5, 0.0),
        (10_000.0, 0.0),
    ],
)
def test_a_hole_of_more_than_a_minute_is_silence_only_when_it_ends_before_the_container_does(long_media, second, silence):
    assert silence_before(long_media, second) == pytest.approx(silence)


def test_a_hole_of_a_minute_is_silence_also_after_the_end_that_the_container_gives(long_media):
    assert silence_before(long_media, 150.0, position=100.0) == pytest.approx(50.0)


def test_a_track_may_begin_a_little_late_without_silence(long_media):
    stream = long_media.streams.audio[0]
    late, later = (Timeline(long_media, stream).silence_before(frame_at(second), 0.0) for second in (IGNORED_START, IGNORED_START + 0.001))
    assert (late, later) == (0.0, pytest.approx(0.051))


def test_frames_after_an_impossible_time_count_from_there(long_media):
    timeline = Timeline(long_media, long_media.streams.audio[0])
    seconds = (0.0, 5000.0, 5000.02, 5001.04)
    silences = [timeline.silence_before(frame_at(second), 0.02 * n) for n, second in enumerate(seconds)]
    assert silences == [0.0, 0.0, 0.0, pytest.approx(1.0)]


def test_a_frame_without_a_time_follows_the_one_before(long_media):
    frame = frame_at(0.0)
    frame.pts = None
    timeline = Timeline(long_media, long_media.streams.audio[0])
    assert (timeline.silence_before(frame, 50.0), timeline.n_frames_before_end(frame)) == (0.0, 20)

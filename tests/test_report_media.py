"""Which samples are shown, where they lie in their tar, and what is seen and heard of them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from pipeline.output.layout import tar_name
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.report.html.chosen import choose, distribute
from pipeline.report.html.media import MAX_PLAYER, MAX_PLAYERS, SECONDS, media_of
from pipeline.report.html.png import png
from pipeline.report.html.spectrogram import HEIGHT, WIDTH, palette, spectrogram
from tests.fates import build_into, make_fates
from transforms.audio.preview import as_opus, read_beginning


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("media")
    build_into(root / "set", make_fates(root / "in"))
    return root / "set"


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(1).integers(-32768, 32767, round(seconds * 48_000)).astype(np.int16)


def flac(frames: np.ndarray, rate: int = 48_000) -> io.BytesIO:
    file = io.BytesIO()
    soundfile.write(file, frames, rate, format="FLAC", subtype="PCM_16")
    file.seek(0)
    return file


@given(st.integers(0, 50), st.dictionaries(st.text(max_size=3), st.integers(0, 40), max_size=8))
def test_samples_are_taken_from_all_as_equally_as_their_sizes_allow(limit: int, sizes: dict[str, int]) -> None:
    taken = distribute(limit, sizes)
    assert sum(taken.values()) == min(limit, sum(sizes.values()))
    assert all(0 < count <= sizes[name] for name, count in taken.items())
    most = max(taken.values(), default=0)
    assert all(taken.get(name, 0) in {size, most, most - 1} for name, size in sizes.items())


def test_the_books_say_where_the_flac_of_a_sample_is(built: Path) -> None:
    snapshot = take_snapshot(Folder(str(built)))
    chosen = choose(snapshot.folder, snapshot.markers)
    assert len(chosen) == sum(marker.n_samples for marker in snapshot.markers.values())
    for sample in chosen:
        with tarfile.open(built / tar_name(sample.shard)) as tar:
            member = tar.getmember(f"{sample.row['key']}.flac")
            assert (member.offset_data, member.size) == (sample.at, sample.row["flac_bytes"])


def test_a_few_samples_are_of_several_shards_and_the_same_each_time(built: Path) -> None:
    snapshot = take_snapshot(Folder(str(built)))
    chosen = choose(snapshot.folder, snapshot.markers, 4)
    assert len({sample.shard for sample in chosen}) == 4
    assert chosen == choose(snapshot.folder, dict(reversed(list(snapshot.markers.items()))), 4)


def test_a_player_has_the_sound_of_the_sample(built: Path) -> None:
    snapshot = take_snapshot(Folder(str(built)))
    for sample in choose(snapshot.folder, snapshot.markers, 2):
        media = media_of(snapshot.folder, sample)
        assert media.seconds == pytest.approx(sample.row["duration"]) and media.picture.startswith("data:image/png;base64,iVBOR")
        assert media.player.startswith("data:audio/ogg;base64,") and not media.fault


def test_opus_holds_the_frames_and_the_same_bytes_each_time() -> None:
    at = np.arange(48_000) / 48_000
    frames = np.rint(12_000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)
    opus = as_opus(frames)
    assert opus == as_opus(frames)
    with av.open(io.BytesIO(opus)) as media:
        decoded = np.concatenate([frame.to_ndarray().ravel() for frame in media.decode(audio=0)])
    assert len(decoded) == pytest.approx(48_000, abs=1000)
    assert np.argmax(np.abs(np.fft.rfft(decoded[:48_000]))) == pytest.approx(440, abs=2)


def test_thirty_players_of_the_loudest_noise_are_less_than_ten_megabytes() -> None:
    assert len(as_opus(noise(SECONDS))) <= MAX_PLAYER
    assert 30 * (len("data:audio/ogg;base64,") + -(-MAX_PLAYER // 3) * 4) <= MAX_PLAYERS


def test_the_beginning_of_a_long_sample_needs_the_first_bytes_alone() -> None:
    frames = noise(3)
    data = flac(frames).getvalue()
    assert np.array_equal(read_beginning(io.BytesIO(data[: len(data) // 2]), 1.0), frames[:48_000])


@pytest.mark.parametrize("data", [b"", b"fLaC", b"<html>", b"\0" * 1000])
def test_what_is_no_flac_is_a_fault(data: bytes) -> None:
    with pytest.raises(ValueError, match="it cannot be decoded"):
        read_beginning(io.BytesIO(data), 1.0)


def test_a_sample_of_another_rate_is_a_fault() -> None:
    with pytest.raises(ValueError, match="1 channels at 44100 Hz"):
        read_beginning(flac(noise(0.1), 44_100), 1.0)


def pixels(picture: bytes) -> np.ndarray:
    """Decode a PNG with FFmpeg; return red + green + blue, `(height, width)`."""
    with av.open(io.BytesIO(picture), format="png_pipe") as media:
        return next(media.decode(video=0)).to_ndarray(format="rgb24").astype(int).sum(axis=2)


def test_a_tone_is_a_bright_line_at_its_frequency() -> None:
    at = np.arange(96_000) / 48_000
    for pitch in (100, 1000, 10_000):
        picture = pixels(spectrogram(np.rint(20_000 * np.sin(2 * np.pi * pitch * at)).astype(np.int16)))
        assert picture.shape == (HEIGHT, WIDTH)
        row = picture[:, WIDTH // 2].argmax()
        frequency = 40 * (20_000 / 40) ** (1 - (row + 0.5) / HEIGHT)
        assert frequency == pytest.approx(pitch, rel=0.2)


@pytest.mark.parametrize("n_frames", [0, 1, 100, 480_000])
def test_silence_of_any_length_is_dark(n_frames: int) -> None:
    assert set(pixels(spectrogram(np.zeros(n_frames, np.int16))).ravel()) == {sum(palette()[0])}


def test_a_png_holds_its_pixels() -> None:
    given_pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(pixels(png(given_pixels, [(n, 2 * n, 5) for n in range(12)])), given_pixels.astype(int) * 3 + 5)

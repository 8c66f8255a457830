"""Every format that people publish sound in decodes to the sound that went in, whole and in excerpts."""

from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.records import SourceFormat
from sources import quickstart
from tests.sounds import FORMATS, LOSSY, RATE, bursts, by_soundfile, clicks, encoded, pcm16, tone, wav
from transforms.audio.decode import decode
from transforms.audio.excerpt import Excerpt
from transforms.audio.excerpt_cutter import ExcerptCutter


class Decoded:
    """All frames of an excerpt, mono."""

    def __init__(self, excerpt: Excerpt):
        self.cutter = ExcerptCutter(excerpt, self)
        self.blocks: list[np.ndarray] = [np.zeros(0, np.float32)]

    def begin(self, source: SourceFormat) -> None:
        self.format, self.rate = source, source.rate

    def add(self, frames: np.ndarray) -> None:
        self.blocks.append(frames / np.float32(32768))

    @property
    def frames(self) -> np.ndarray:
        return np.concatenate(self.blocks)


def decoded(data: bytes, place: Path, start: float = 0.0, end: float | None = None) -> Decoded:
    path = place / "no-name-that-helps"
    path.write_bytes(data)
    found = Decoded(Excerpt(start, end))
    (verdict,) = decode(path, [found.cutter])
    if verdict is not None:
        raise verdict
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_decodes_to_the_sound_that_went_in(name, tmp_path):
    kind = FORMATS[name]
    found = decoded(encoded(name), tmp_path)
    assert (found.rate, found.format.n_channels, found.cutter.n_nonfinite) == (kind.rate, kind.n_channels, 0)
    assert found.frames.dtype == np.float32
    assert abs(len(found.frames) / kind.rate - 1.0) < 0.05  # codecs pad to whole packets
    middle = found.frames[kind.rate // 4 : 3 * kind.rate // 4]
    assert np.sqrt((middle.astype(float) ** 2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=max(kind.error, 0.01))
    if kind.error < LOSSY:
        assert np.abs(found.frames[: kind.rate] - tone(1.0, kind.rate, 1)[:, 0]).max() <= kind.error


def test_libsndfile_reads_what_it_reads_best_and_ffmpeg_the_rest(tmp_path):
    readers = {name: decoded(encoded(name, 0.2), tmp_path).format.decoder for name in FORMATS}
    best = {name for name in FORMATS if name.startswith(("wav_", "wavex", "rf64", "flac"))} | {"mp3_by_libsndfile", "mp3", "caf_alac"}
    assert {name for name, decoder in readers.items() if decoder == "soundfile"} == best


@pytest.mark.parametrize("name", ["wav_16", "wav_24", "wav_float", "flac_16", "flac_24", "rf64"])
@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (1.25, 2.0), (0.123456, 1.654321), (2.0, 3.0)])
def test_excerpts_are_right_to_the_frame(name, start, end, tmp_path):
    noise = np.random.default_rng(2).uniform(-0.9, 0.9, (3 * RATE, 2))
    data = FORMATS[name].make(noise, RATE)
    whole = decoded(data, tmp_path)
    part = decoded(data, tmp_path, start, end)
    assert np.array_equal(part.frames, whole.frames[round(start * RATE) : round(end * RATE)])


@pytest.mark.parametrize("name", ["aiff_16", "caf_16", "w64", "au_16", "ogg_flac", "m4a_alac", "wavpack", "tta", "matroska_flac"])
def test_excerpts_of_other_lossless_formats_are_right_to_the_frame_too(name, tmp_path):
    noise = np.random.default_rng(3).uniform(-0.9, 0.9, (3 * RATE, 2))
    data = FORMATS[name].make(noise, RATE)
    whole = decoded(data, tmp_path)
    part = decoded(data, tmp_path, 0.777, 1.888)
    assert np.array_equal(part.frames, whole.frames[round(0.777 * RATE) : round(1.888 * RATE)])


def test_a_click_stands_where_it_was_put(tmp_path):
    data = by_soundfile(clicks((1.0, 2.0, 3.0), 4.0), RATE, "WAV", "PCM_16")
    part = decoded(data, tmp_path, 1.5, 3.5)
    assert np.flatnonzero(part.frames > 0.5).tolist() == [RATE // 2, 3 * RATE // 2]


LONGEST_DELAY = {
    "mp3_without_xing": 0.030,
    "aac_adts": 0.025,
    "mp4_fragmented": 0.025,
    "mpegts": 0.025,
    "flv": 0.025,
    "avi": 0.030,
    "wma": 0.050,
}
"""Seconds; the codec's own delay where the file does not say how long it is. Elsewhere 12 ms are never exceeded."""


@pytest.mark.parametrize("name", [name for name, kind in FORMATS.items() if kind.error >= LOSSY])
def test_lossy_excerpts_are_right_within_the_delay_of_the_codec(name, tmp_path):
    kind = FORMATS[name]
    frames = np.repeat(bursts((1.0, 2.0), 3.0, kind.rate), kind.n_channels, axis=1)
    part = decoded(kind.make(frames, kind.rate), tmp_path, 1.5, 2.5)
    begins = np.flatnonzero(np.abs(part.frames) > 0.3)[0] / kind.rate
    assert len(part.frames) == kind.rate
    assert abs(begins - 0.5) < LONGEST_DELAY.get(name, 0.012)


@pytest.mark.parametrize("name", FORMATS)
def test_an_excerpt_is_that_stretch_of_the_whole_wherever_it_begins(name, tmp_path):
    kind, chance = FORMATS[name], np.random.default_rng(5)
    loud_and_soft = np.abs(np.sin(np.arange(6 * kind.rate) / kind.rate * 9))[:, None] ** 8  # packets of very different sizes
    data = kind.make(chance.uniform(-0.9, 0.9, (6 * kind.rate, kind.n_channels)) * loud_and_soft, kind.rate)
    whole = decoded(data, tmp_path)
    for start in chance.uniform(0.0, 5.0, 8):
        first, part = round(start * kind.rate), decoded(data, tmp_path, start, start + 0.5)
        assert np.allclose(part.frames, whole.frames[first : first + len(part.frames)], atol=1e-5)


REAL = sorted((Path(quickstart.__file__).parent / "audio").glob("*.mp3"))


@pytest.mark.parametrize("path", REAL, ids=[path.stem for path in REAL])
def test_mp3_is_whole_across_blocks_and_behind_jumps(path, tmp_path):
    with av.open(str(path)) as media:
        wanted = np.concatenate([frame.to_ndarray() for frame in media.decode(audio=0)], axis=1).mean(axis=0)
    found = decoded(path.read_bytes(), tmp_path)
    assert np.allclose(found.frames, wanted, atol=1e-4)
    start = len(wanted) / found.rate / 2
    part = decoded(path.read_bytes(), tmp_path, start)
    assert np.allclose(part.frames, wanted[round(start * found.rate) :], atol=1e-4)


def test_recordings_chained_in_one_ogg_are_one_recording(tmp_path):
    found = decoded(encoded("ogg_opus") + encoded("ogg_opus"), tmp_path)
    assert len(found.frames) == 2 * 48_000


def test_a_chain_whose_rate_changes_keeps_the_first_rate_and_its_length(tmp_path):
    slower = by_soundfile(tone(1.0, 22_050), 22_050, "OGG", "VORBIS")
    found = decoded(encoded("vorbis") + slower, tmp_path)
    assert found.rate == RATE
    assert abs(len(found.frames) / RATE - 2.0) < 0.02
    second = found.frames[RATE + RATE // 4 : RATE + 3 * RATE // 4]
    assert np.sqrt((second.astype(float) ** 2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("name", ["ac3", "aac_adts", "mp3_without_xing", "mp2"])
def test_channels_that_come_and_go_on_the_way_are_averaged_as_they_are(name, tmp_path):
    parts = [FORMATS[name].make(tone(1.0, RATE, n_channels), RATE) for n_channels in (2, 1, 2, 1)]
    found = decoded(b"".join(parts), tmp_path)
    assert len(found.frames) == pytest.approx(4 * RATE, rel=0.05)  # codecs pad
    for second in range(4):
        middle = found.frames[round((second + 0.3) * RATE) : round((second + 0.7) * RATE)].astype(float)
        assert np.sqrt((middle**2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.08)


def test_a_chain_whose_codec_changes_is_read_to_its_end(tmp_path):
    found = decoded(encoded("vorbis") + encoded("ogg_opus"), tmp_path, 0.5, 1.8)
    assert len(found.frames) == round(1.3 * RATE)
    assert (np.abs(found.frames[-4000:]) > 0.4).any()


def test_channels_from_one_to_sixty_four_are_averaged(tmp_path):
    for n_channels in (1, 2, 6, 64):
        frames = np.zeros((1000, n_channels))
        frames[:, 0] = 0.5
        found = decoded(wav(pcm16(frames), n_channels=n_channels), tmp_path)
        assert np.allclose(found.frames, 0.5 / n_channels, atol=1e-7)


@pytest.mark.parametrize("rate", [1_000, 8_000, 96_000, 192_000, 768_000])
def test_every_rate_from_1_to_768_khz_is_kept(rate, tmp_path):
    found = decoded(wav(pcm16(tone(0.1, rate, 1)), rate=rate), tmp_path)
    assert (found.rate, len(found.frames)) == (rate, rate // 10)

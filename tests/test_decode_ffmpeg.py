"""The last resort reads what it is given and nothing else, and ends when its time or memory does."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.records import AudioLimits, Reason, Rejected, SourceFormat
from tests.sounds import FORMATS, encoded, tone, wav
from transforms.audio import decode as decode_module
from transforms.audio import decode_ffmpeg as module
from transforms.audio.av_frame_collector import UnsupportedByAvError
from transforms.audio.convert import Converted, convert
from transforms.audio.decode_ffmpeg import command, decode_ffmpeg
from transforms.audio.excerpt import Excerpt
from transforms.audio.excerpt_cutter import ExcerptCutter
from transforms.audio.sniff import HEAD_BYTES, sniff


class Frames:
    """A sink that keeps what it takes."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []

    def begin(self, source: SourceFormat) -> None:
        self.source = source

    def add(self, frames: np.ndarray) -> None:
        self.blocks.append(frames / np.float32(32768))


@pytest.mark.parametrize("name", ["wav_16", "flac_24", "mp3", "m4a", "ogg_opus", "webm", "wma", "aiff_float", "mov_pcm"])
def test_it_reads_formats_and_cuts_them(name, tmp_path):
    data = encoded(name)
    (tmp_path / "a").write_bytes(data)
    sink, rate = Frames(), FORMATS[name].rate
    assert decode_ffmpeg(tmp_path / "a", sniff(data[:HEAD_BYTES]) or "", [ExcerptCutter(Excerpt(0.25, 0.75), sink)]) == [None]
    frames = np.concatenate(sink.blocks)
    assert (sink.source.decoder, sink.source.rate, len(frames)) == ("ffmpeg", rate, rate // 2)
    assert np.sqrt((frames.astype(float) ** 2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_it_takes_over_where_the_libraries_lack_a_decoder_and_the_books_say_so(tmp_path, monkeypatch):
    def lacking(*arguments: object) -> None:
        raise UnsupportedByAvError(Rejected(Reason.CORRUPT, "no decoder"))

    monkeypatch.setattr(decode_module, "decode_av", lacking)
    (tmp_path / "a").write_bytes(encoded("m4a"))
    (result,) = convert(tmp_path / "a", [Excerpt()], AudioLimits(), tmp_path)
    assert isinstance(result, Converted)
    assert (result.format.name, result.format.decoder) == ("mov/unknown", "ffmpeg")


def test_samples_that_pyav_does_not_hand_out_are_left_to_it(tmp_path):
    values = (tone(0.5, n_channels=1)[:, 0] * 2.0**62).astype("<i8")
    (tmp_path / "a").write_bytes(wav(values.tobytes(), bits=64))
    (result,) = convert(tmp_path / "a", [Excerpt()], AudioLimits(), tmp_path)
    assert isinstance(result, Converted)
    assert (result.format.decoder, result.statistics.n_frames) == ("ffmpeg", 24_000)
    assert result.statistics.peak == pytest.approx(0.25, abs=0.01)


def test_what_it_cannot_read_either_is_what_the_libraries_said(tmp_path):
    (tmp_path / "a").write_bytes(wav(bytes(1000), tag=0x1234))
    (result,) = convert(tmp_path / "a", [Excerpt()], AudioLimits(), tmp_path)
    assert isinstance(result, Rejected)
    assert (result.reason, "no decoder" in result.detail) == (Reason.CORRUPT, True)


def test_it_follows_no_playlist_and_opens_no_file(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(encoded("wav_16"))
    for text in (f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n", f"ffconcat version 1.0\nfile {secret}\n"):
        (tmp_path / "a").write_text(text)
        for container in ("", "mp3", "wav", "hls", "concat"):
            assert decode_ffmpeg(tmp_path / "a", container, [ExcerptCutter(Excerpt(), Frames())]) is None
    said = command("ffmpeg", "mp3")
    assert said[said.index("-protocol_whitelist") + 1] == "fd"


def _program(place: Path, body: str) -> str:
    path = place / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_process_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_ffmpeg", lambda: _program(tmp_path, "exec sleep 60"))
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    (tmp_path / "a").write_bytes(encoded("m4a"))
    assert decode_ffmpeg(tmp_path / "a", "mov", [ExcerptCutter(Excerpt(), Frames())]) is None


def test_a_process_has_a_bound_of_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_ffmpeg", lambda: _program(tmp_path, f"ulimit -v > {tmp_path / 'limit'}"))
    (tmp_path / "a").write_bytes(encoded("m4a"))
    assert decode_ffmpeg(tmp_path / "a", "mov", [ExcerptCutter(Excerpt(), Frames())]) is None
    assert int((tmp_path / "limit").read_text()) * 1024 == module.MEMORY_LIMIT


def test_without_any_ffmpeg_there_is_no_last_resort(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_ffmpeg", lambda: None)
    assert decode_ffmpeg(tmp_path / "a", "mov", []) is None

"""The ffmpeg process reads the given bytes and nothing else, and ends when its time or memory is used up."""

import itertools
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.records import Reason, Rejected
from tests.frame_recorder import FrameRecorder
from tests.sounds import FORMATS, RATE, encoded, tone, wav
from transforms.audio import decode_ffmpeg as module
from transforms.audio.decode_ffmpeg import MEMORY_LIMIT, command, decode_ffmpeg, find_ffmpeg
from transforms.audio.excerpt import Excerpt
from transforms.audio.excerpt_cutter import BLOCK_FRAMES
from transforms.audio.sniff import HEAD_BYTES, sniff


def decode_excerpts(
    data: bytes, folder: Path, container: str, *excerpts: Excerpt
) -> tuple[list[FrameRecorder], list[Rejected | None] | None]:
    (folder / "a").write_bytes(data)
    recorders = [FrameRecorder(excerpt) for excerpt in excerpts or [Excerpt()]]
    return recorders, decode_ffmpeg(folder / "a", container, [recorder.cutter for recorder in recorders])


@pytest.fixture
def use_program(tmp_path, monkeypatch):
    """Return a function that replaces the ffmpeg program by a shell script."""

    def use(script: str) -> None:
        path = tmp_path / "ffmpeg"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(module, "find_ffmpeg", lambda: str(path))

    return use


@pytest.mark.parametrize("name", ["wav_16", "flac_24", "mp3", "m4a", "ogg_opus", "webm", "wma", "aiff_float", "mov_pcm"])
def test_formats_are_decoded_and_cut(name, tmp_path):
    data, rate = encoded(name), FORMATS[name].rate
    (recorder,), rejections = decode_excerpts(data, tmp_path, sniff(data[:HEAD_BYTES]) or "", Excerpt(0.25, 0.75))
    assert rejections == [None]
    assert (recorder.source.decoder, recorder.source.rate, len(recorder.frames)) == ("ffmpeg", rate, rate // 2)
    assert np.sqrt((recorder.frames.astype(float) ** 2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_every_excerpt_is_a_slice_of_the_recording(tmp_path):
    noise = np.random.default_rng(2).uniform(-0.9, 0.9, (3 * RATE, 2))
    data, spans = FORMATS["wav_float"].make(noise, RATE), [(0.0, None), (2.0, 3.0), (0.5, 2.5), (5.0, 6.0)]
    recorders, rejections = decode_excerpts(data, tmp_path, "wav", *(Excerpt(*span) for span in spans))
    assert rejections is not None
    assert [rejection and rejection.reason for rejection in rejections] == [None, None, None, Reason.OUT_OF_RANGE]
    assert rejections[3].detail.endswith("the recording has 3.00 s")
    assert np.allclose(recorders[0].frames, noise.mean(axis=1), atol=1e-6)
    for (start, end), recorder in zip(spans[1:3], recorders[1:], strict=False):
        assert np.array_equal(recorder.frames, recorders[0].frames[round(start * RATE) : round(end * RATE)])
    assert max(len(block) for block in recorders[0].blocks) == BLOCK_FRAMES
    assert (recorders[0].source.name, recorders[0].source.n_channels) == ("wav/unknown", 2)


def test_values_that_are_not_finite_are_counted(tmp_path):
    frames = tone(1.0, n_channels=1)[:, 0].astype("<f4")
    frames[100:103] = np.nan, np.inf, -np.inf
    (recorder,), _ = decode_excerpts(wav(frames.tobytes(), tag=3, bits=32), tmp_path, "wav")
    assert recorder.cutter.n_nonfinite == 3


def test_bytes_that_ffmpeg_does_not_read_give_none(tmp_path):
    for data in (wav(bytes(1000), tag=0x1234), b"text", wav(b"")):
        assert decode_excerpts(data, tmp_path, "wav")[1] is None


def test_an_impossible_rate_is_corrupt(tmp_path):
    with pytest.raises(Rejected) as raised:
        decode_excerpts(wav(bytes(1000), rate=500), tmp_path, "wav")
    assert raised.value.reason is Reason.CORRUPT


def test_no_playlist_is_followed_and_no_file_is_opened(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(encoded("wav_16"))
    for text in (f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n", f"ffconcat version 1.0\nfile {secret}\n"):
        for container in ("", "mp3", "wav", "hls", "concat"):
            assert decode_excerpts(text.encode(), tmp_path, container)[1] is None


def test_the_command_allows_one_protocol_and_the_demuxers_of_the_container():
    words = command("/bin/ffmpeg", "mp3")
    options = dict(itertools.pairwise(words))
    assert words[0] == "/bin/ffmpeg"
    assert (options["-protocol_whitelist"], options["-format_whitelist"], options["-i"]) == ("fd", "mp3", "fd:")
    assert (options["-fd"], options["-map"], options["-threads"]) == ("0", "0:a:0", "1")
    assert "-nostdin" in words


def test_a_process_that_hangs_is_killed(use_program, tmp_path, monkeypatch):
    use_program("exec sleep 60")
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    began = time.monotonic()
    assert decode_excerpts(encoded("m4a"), tmp_path, "mov")[1] is None
    assert time.monotonic() - began < 30


def test_a_process_has_a_limit_of_memory(use_program, tmp_path):
    use_program(f"ulimit -v > {tmp_path / 'limit'}")
    assert decode_excerpts(encoded("m4a"), tmp_path, "mov")[1] is None
    assert int((tmp_path / "limit").read_text()) * 1024 == MEMORY_LIMIT == 4 << 30


AU_HEADER = r"printf '.snd\000\000\000\034\377\377\377\377\000\000\000\006\000\000\254\104\000\000\000\001note'"  # 44.1 kHz, mono


def test_a_process_that_fails_makes_excerpts_corrupt_that_lack_frames(use_program, tmp_path):
    use_program(f"{AU_HEADER}; head -c 176402 /dev/zero; exit 1")
    recorders, rejections = decode_excerpts(b"data", tmp_path, "mov", Excerpt(), Excerpt(0.25, 0.75), Excerpt(0.5, 1.2))
    assert rejections is not None
    assert [rejection and rejection.reason for rejection in rejections] == [Reason.CORRUPT, None, Reason.CORRUPT]
    assert rejections[0].detail == "ffmpeg failed after 1.00 s"
    assert recorders[0].cutter.n_frames == RATE  # half a frame at the end is not decoded


def test_a_process_is_killed_when_all_excerpts_are_complete(use_program, tmp_path):
    use_program(f"{AU_HEADER}; cat /dev/zero")
    (recorder,), rejections = decode_excerpts(b"data", tmp_path, "mov", Excerpt(0.5, 2.0))
    assert rejections == [None]
    assert recorder.cutter.n_frames == 1.5 * RATE


def test_a_header_without_frames_gives_none(use_program, tmp_path):
    use_program(AU_HEADER)
    assert decode_excerpts(b"data", tmp_path, "mov")[1] is None


def test_without_an_ffmpeg_program_there_is_no_result(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_ffmpeg", lambda: None)
    assert decode_excerpts(b"data", tmp_path, "mov")[1] is None


def test_the_packaged_ffmpeg_is_used():
    assert find_ffmpeg() is not None
    assert "imageio_ffmpeg" in find_ffmpeg()

"""libsndfile's frames are exact, its errors become reasons, and no file stays open."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.records import Reason, Rejected
from tests.frame_recorder import FrameRecorder
from tests.sounds import FORMATS, RATE, by_av, by_soundfile, encoded, flac_with_frame_count, pcm16, tone, wav
from transforms.audio.declared_length import declared_audio
from transforms.audio.decode_soundfile import MP3_RUN_IN, UnsupportedBySoundfileError, WrongFrameCountError, decode_soundfile
from transforms.audio.excerpt import Excerpt
from transforms.audio.excerpt_cutter import BLOCK_FRAMES

NOISE = np.random.default_rng(2).uniform(-0.9, 0.9, (3 * RATE, 2))


def decode_excerpts(data: bytes, folder: Path, *excerpts: Excerpt) -> tuple[list[FrameRecorder], list[Rejected | None]]:
    (folder / "a").write_bytes(data)
    recorders = [FrameRecorder(excerpt) for excerpt in excerpts or [Excerpt()]]
    with (folder / "a").open("rb") as file:
        declared = declared_audio(file)
    missing = "the file ends" if declared is not None and declared.is_cut(len(data)) else ""
    return recorders, decode_soundfile(folder / "a", [recorder.cutter for recorder in recorders], missing)


def reason_of(data: bytes, folder: Path, excerpt: Excerpt) -> Reason | None:
    _, (rejection,) = decode_excerpts(data, folder, excerpt)
    return rejection and rejection.reason


def n_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("name", ["wav_16", "wav_24", "wav_float", "flac_16", "flac_24", "rf64", "caf_alac"])
def test_excerpts_in_any_order_are_slices_of_the_recording(name, tmp_path):
    spans = [(2.0, 3.0), (0.0, 0.5), (1.25, 2.0), (0.123456, 1.654321), (0.0, None)]
    recorders, rejections = decode_excerpts(FORMATS[name].make(NOISE, RATE), tmp_path, *(Excerpt(*span) for span in spans))
    assert rejections == [None] * 5
    for (start, end), recorder in zip(spans[:4], recorders, strict=False):
        assert np.array_equal(recorder.frames, recorders[-1].frames[round(start * RATE) : round(end * RATE)])
    assert recorders[-1].cutter.n_frames == 3 * RATE


def test_blocks_are_bounded_and_16_bit_mono_stays_16_bits(tmp_path):
    (recorder,), _ = decode_excerpts(wav(pcm16(NOISE[:, :1])), tmp_path)
    assert [len(block) for block in recorder.blocks] == [BLOCK_FRAMES, BLOCK_FRAMES, 3 * RATE - 2 * BLOCK_FRAMES]
    assert {block.dtype for block in recorder.blocks} == {np.dtype(np.int16)}
    (recorder,), _ = decode_excerpts(by_soundfile(NOISE[:, :1], RATE, "WAV", "PCM_24"), tmp_path)
    assert {block.dtype for block in recorder.blocks} == {np.dtype(np.float32)}


def test_the_source_format_names_container_and_codec(tmp_path):
    (recorder,), _ = decode_excerpts(encoded("flac_24"), tmp_path)
    source = recorder.source
    assert (source.name, source.rate, source.n_channels, source.decoder) == ("flac/pcm_24", RATE, 2, "soundfile")


@pytest.mark.parametrize("start", [0.2, 1.0, 1.7, 4.0, 5.9])
def test_an_mp3_excerpt_equals_the_recording_decoded_from_its_first_frame(start, tmp_path):
    loud_and_soft = np.abs(np.sin(np.arange(7 * RATE) / RATE * 9))[:, None] ** 8  # packets of very different sizes
    noise = np.random.default_rng(5).uniform(-0.9, 0.9, (7 * RATE, 1)) * loud_and_soft
    data = by_av(noise, RATE, "mp3", "libmp3lame", {"id3v2_version": "0"})
    (all_frames, part), rejections = decode_excerpts(data, tmp_path, Excerpt(), Excerpt(start, start + 0.5))
    assert rejections == [None, None]
    first_frame = round(start * RATE)
    assert np.allclose(part.frames, all_frames.frames[first_frame : first_frame + len(part.frames)], atol=1e-5)
    assert len(part.frames) == round((start + 0.5) * RATE) - first_frame


def test_mp3_decoding_begins_far_enough_before_an_excerpt():
    assert MP3_RUN_IN >= 5504  # frames that were wrong after a seek; a multiple leaves room for other encoders


@pytest.mark.parametrize("data", [b"<html>", b"RIFF\x00\x00\x00\x00WAVE", encoded("m4a"), encoded("webm")])
def test_bytes_that_libsndfile_does_not_read_are_unsupported_and_leave_no_file_open(data, tmp_path):
    n_before = n_open_files()
    with pytest.raises(UnsupportedBySoundfileError, match=r"\w"):
        decode_excerpts(data, tmp_path)
    assert n_open_files() == n_before


def test_a_header_without_the_number_of_frames_is_unsupported(tmp_path):
    n_before = n_open_files()
    for data in (flac_with_frame_count(encoded("flac_16"), 0), wav(b"")):
        with pytest.raises(UnsupportedBySoundfileError, match="number of frames"):
            decode_excerpts(data, tmp_path)
    assert n_open_files() == n_before


def test_a_flac_with_all_frames_of_its_md5_and_fewer_than_promised_is_read_to_its_end_by_another_decoder(tmp_path):
    data = flac_with_frame_count(encoded("flac_16"), RATE + 100)
    with pytest.raises(WrongFrameCountError, match=f"the header says {RATE + 100} frames"):
        decode_excerpts(data, tmp_path)
    with pytest.raises(WrongFrameCountError):
        decode_excerpts(data, tmp_path, Excerpt(0.5, 1.001))


def test_no_file_stays_open_after_decoding(tmp_path):
    n_before = n_open_files()
    decode_excerpts(encoded("wav_16"), tmp_path, Excerpt(), Excerpt(0.1, 0.2))
    assert n_open_files() == n_before


@pytest.mark.parametrize(("rate", "n_channels"), [(999, 1), (44_100, 65)])
def test_an_impossible_format_is_corrupt(rate, n_channels, tmp_path):
    with pytest.raises(Rejected) as raised:
        decode_excerpts(wav(bytes(65 * 200), rate=rate, n_channels=n_channels), tmp_path)
    assert raised.value.reason is Reason.CORRUPT


PCM = pcm16(tone(1.0, n_channels=1))  # 88,200 bytes


@pytest.mark.parametrize(
    ("claimed", "reason"),
    [
        (len(PCM), None),
        (len(PCM) + 1, None),  # a pad byte that was not written
        (len(PCM) + 2, Reason.CORRUPT),
        (1 << 30, Reason.CORRUPT),
        (0x7EFFFFFF, Reason.CORRUPT),
        (0x7F000000, None),  # written by programs that do not know the length yet
        (0x7FFFF000, None),
        (0x7FFFFFFF, None),
        (0xFFFFFFFF, None),
    ],
)
def test_a_wav_that_promises_more_bytes_than_it_has_is_corrupt_unless_it_means_an_unknown_length(claimed, reason, tmp_path):
    assert reason_of(wav(PCM, claimed=claimed), tmp_path, Excerpt()) == reason


@pytest.mark.parametrize("name", ["wav_16", "wavex", "flac_16"])
def test_a_recording_that_ends_early_is_corrupt_only_for_excerpts_that_lack_frames(name, tmp_path):
    data = FORMATS[name].make(NOISE, RATE)
    data = data[: int(0.6 * len(data))]  # about 1.8 s of 3 s
    assert reason_of(data, tmp_path, Excerpt()) is Reason.CORRUPT
    assert reason_of(data, tmp_path, Excerpt(1.0, 2.5)) is Reason.CORRUPT
    assert reason_of(data, tmp_path, Excerpt(0.5, 1.5)) is None


def test_an_excerpt_after_the_end_is_out_of_range_and_tells_the_duration(tmp_path):
    _, (rejection,) = decode_excerpts(encoded("wav_16"), tmp_path, Excerpt(5.0, 6.0))
    assert rejection is not None
    assert rejection.reason is Reason.OUT_OF_RANGE
    assert rejection.detail.endswith("the recording has 1.00 s")


def test_values_that_are_not_finite_are_counted(tmp_path):
    frames = tone(1.0, n_channels=1)[:, 0].astype("<f4")
    frames[100:103] = np.nan, np.inf, -np.inf
    (recorder,), _ = decode_excerpts(wav(frames.tobytes(), tag=3, bits=32), tmp_path)
    assert recorder.cutter.n_nonfinite == 3


def test_broken_flac_frames_name_the_error_of_the_decoder(tmp_path):
    data = bytearray(FORMATS["flac_16"].make(NOISE, RATE))
    middle = len(data) // 2
    data[middle : middle + 20_000] = bytes(20_000)
    _, (rejection,) = decode_excerpts(bytes(data), tmp_path, Excerpt())
    assert rejection is not None
    assert rejection.reason is Reason.CORRUPT
    assert rejection.detail.startswith("decoder: ")


def test_the_same_frames_come_out_as_from_soundfile_itself(tmp_path):
    data = encoded("flac_24", 2.0)
    (recorder,), _ = decode_excerpts(data, tmp_path)
    expected, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    assert np.allclose(recorder.frames, expected.mean(axis=1), atol=1e-7)

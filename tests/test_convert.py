"""Every excerpt becomes FLAC or has a reason; memory does not grow with the recording; plain FLAC is copied."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.records import SAMPLE_RATE, AudioLimits, Reason, Rejected, Statistics
from tests.sounds import FORMATS, RATE, by_soundfile, encoded, pcm16, picture, tone, wav
from tests.test_plain_flac import with_block
from transforms.audio import decode as decode_module
from transforms.audio.convert import check_limits, convert
from transforms.audio.converted import Converted
from transforms.audio.encode import IN_MEMORY
from transforms.audio.excerpt import Excerpt

NOISE = np.random.default_rng(4).integers(-16_000, 16_000, (48_000, 1)).astype(np.int16)
FLAC = by_soundfile(NOISE, 48_000, "FLAC", "PCM_16")
FULL_SCALE_NOISE = np.random.default_rng(5).integers(-32_768, 32_768, (100 * SAMPLE_RATE, 1)).astype(np.int16)  # 9.6 MB of FLAC


def converted(data: bytes, folder: Path, excerpt: Excerpt | None = None, limits: AudioLimits | None = None) -> Converted | Rejected:
    path = folder / "recording"
    path.write_bytes(data)
    (result,) = convert(path, [excerpt or Excerpt()], limits or AudioLimits(), folder)
    return result


def reason_of(result: Converted | Rejected) -> Reason | None:
    return result.reason if isinstance(result, Rejected) else None


@pytest.fixture(scope="module")
def long_flac_bytes() -> bytes:
    data = by_soundfile(FULL_SCALE_NOISE, SAMPLE_RATE, "FLAC", "PCM_16")
    assert len(data) > IN_MEMORY
    return data


def statistics(duration: float = 1.0, peak: float = 0.5) -> Statistics:
    return Statistics(round(duration * SAMPLE_RATE), duration, peak, 0.1, 0.0, 0.0, 0.0, "")


@pytest.mark.parametrize(
    ("measured", "limits", "reason"),
    [
        (statistics(1.0), AudioLimits(min_seconds=1.0, max_seconds=1.0), None),
        (statistics(0.999), AudioLimits(min_seconds=1.0), Reason.TOO_SHORT),
        (statistics(1.001), AudioLimits(max_seconds=1.0), Reason.TOO_LONG),
        (statistics(peak=0.1), AudioLimits(silent_below_db=-20.0), None),
        (statistics(peak=0.0999), AudioLimits(silent_below_db=-20.0), Reason.SILENT),
        (statistics(peak=1 / 32768), AudioLimits(), Reason.SILENT),
        (statistics(peak=2 / 32768), AudioLimits(), None),
        (statistics(peak=0.0), AudioLimits(silent_below_db=-1000.0), Reason.SILENT),
    ],
)
def test_audio_is_accepted_at_its_limits_and_rejected_beyond_them(measured, limits, reason):
    try:
        check_limits(measured, limits)
    except Rejected as rejected:
        assert rejected.reason is reason
    else:
        assert reason is None


def test_messages_hold_the_value_and_the_limit():
    for measured, limits, words in [
        (statistics(0.5), AudioLimits(min_seconds=1.0), ("0.500 s", "1 s")),
        (statistics(2.5), AudioLimits(max_seconds=2.0), ("2.500 s", "2 s")),
        (statistics(peak=0.01), AudioLimits(silent_below_db=-30.0), ("-40.0 dB", "-30 dB")),
        (statistics(peak=0.0), AudioLimits(), ("-inf dB", "-90 dB")),
    ]:
        with pytest.raises(Rejected) as raised:
            check_limits(measured, limits)
        assert all(word in raised.value.detail for word in words), raised.value.detail


def test_a_source_with_a_rate_below_the_limit_is_rejected_and_one_at_it_is_not(tmp_path):
    data = wav(pcm16(tone(0.5, 16_000, 1)), rate=16_000)
    assert reason_of(converted(data, tmp_path, limits=AudioLimits(min_source_rate=16_001))) is Reason.LIMIT_EXCEEDED
    assert reason_of(converted(data, tmp_path, limits=AudioLimits(min_source_rate=16_000))) is None


def test_less_than_one_frame_at_48_khz_is_too_short(tmp_path):
    result = converted(wav(b"\xff\x3f", rate=768_000), tmp_path)
    assert isinstance(result, Rejected)
    assert (result.reason, result.detail) == (Reason.TOO_SHORT, "1 frames at 768000 Hz are no frame at 48000 Hz")


def test_clipped_and_nonfinite_values_are_counted(tmp_path):
    values = np.full((1000, 2), 2.0, np.float32)
    values[0, 0] = np.nan
    result = converted(by_soundfile(values, SAMPLE_RATE, "WAV", "FLOAT"), tmp_path)
    assert isinstance(result, Converted)
    assert (result.statistics.n_nonfinite, result.statistics.clipped_fraction) == (1, 0.999)


EXCERPTS = [Excerpt(2.0, 3.0), Excerpt(0.5, 1.5), Excerpt(1.0, 2.5), Excerpt(), Excerpt(7.0, 8.0), Excerpt(3.9, None)]


@pytest.mark.parametrize("name", ["wav_16", "flac_24", "m4a", "vorbis", "mp3_without_xing"])
def test_excerpts_converted_together_equal_excerpts_converted_alone(name, tmp_path):
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


def test_excerpts_of_a_lossy_recording_are_decoded_in_one_pass(tmp_path, monkeypatch):
    passes = []
    real = decode_module.decode_av
    monkeypatch.setattr(decode_module, "decode_av", lambda *arguments: (passes.append(1), real(*arguments))[1])
    (tmp_path / "a").write_bytes(FORMATS["m4a"].make(np.random.default_rng(8).uniform(-0.9, 0.9, (4 * RATE, 2)), RATE))
    results = convert(tmp_path / "a", EXCERPTS, AudioLimits(), tmp_path)
    assert sum(isinstance(result, Converted) for result in results) == 5
    assert len(passes) == 1


def test_all_excerpts_of_a_file_that_is_no_audio_have_the_same_reason(tmp_path):
    (tmp_path / "a").write_bytes(b"<html>")
    results = convert(tmp_path / "a", EXCERPTS, AudioLimits(), tmp_path)
    assert [reason_of(result) for result in results] == [Reason.NOT_AUDIO] * len(EXCERPTS)


def test_a_result_cannot_be_changed_and_prints_without_its_bytes(tmp_path):
    result = converted(encoded("wav_16"), tmp_path)
    with pytest.raises(FrozenInstanceError):
        result.flac = b""
    assert len(repr(result)) < 1000


def test_a_missing_file_is_an_error_and_not_a_rejection(tmp_path):
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / "gone", [Excerpt()], AudioLimits(), tmp_path)


def test_a_long_excerpt_is_a_file_in_the_folder_and_a_short_one_is_bytes(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").write_bytes(wav(FULL_SCALE_NOISE.tobytes(), rate=SAMPLE_RATE))
    long, short = convert(tmp_path / "a", [Excerpt(), Excerpt(0.0, 1.0)], AudioLimits(), tmp_path / "folder")
    assert isinstance(long, Converted)
    assert isinstance(short, Converted)
    assert isinstance(long.flac, Path)
    assert list((tmp_path / "folder").iterdir()) == [long.flac]
    frames, rate = soundfile.read(long.flac, dtype="int16", always_2d=True)
    assert rate == SAMPLE_RATE
    assert np.array_equal(frames, FULL_SCALE_NOISE)
    assert isinstance(short.flac, bytes)


@pytest.mark.parametrize(
    ("excerpt", "limits", "reason"),
    [
        (Excerpt(), AudioLimits(max_seconds=99.0), Reason.TOO_LONG),
        (Excerpt(max_seconds=99.0), AudioLimits(), Reason.TOO_LONG),
        (Excerpt(), AudioLimits(min_source_rate=48_001), Reason.LIMIT_EXCEEDED),
        (Excerpt(0.0, 110.0), AudioLimits(), Reason.OUT_OF_RANGE),
    ],
)
def test_a_long_excerpt_that_is_rejected_leaves_no_file(excerpt, limits, reason, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").write_bytes(wav(FULL_SCALE_NOISE.tobytes(), rate=SAMPLE_RATE))
    (result,) = convert(tmp_path / "a", [excerpt], limits, tmp_path / "folder")
    assert reason_of(result) is reason
    assert not list((tmp_path / "folder").iterdir())


def test_a_long_plain_flac_is_copied_to_a_file_in_the_folder(long_flac_bytes, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").write_bytes(long_flac_bytes)
    (result,) = convert(tmp_path / "a", [Excerpt()], AudioLimits(), tmp_path / "folder")
    assert isinstance(result, Converted)
    assert isinstance(result.flac, Path)
    assert result.flac.parent == tmp_path / "folder"
    assert result.flac.read_bytes() == long_flac_bytes
    assert (tmp_path / "a").read_bytes() == long_flac_bytes


def test_a_plain_flac_is_bytes_up_to_the_limit_and_a_file_above_it(tmp_path):
    for n_bytes, kind in [(IN_MEMORY, bytes), (IN_MEMORY + 1, Path)]:
        result = converted(FLAC + bytes(n_bytes - len(FLAC)), tmp_path)
        assert isinstance(result, Converted)
        assert isinstance(result.flac, kind)


PROGRAM = """
import sys
from pathlib import Path
from pipeline.records import AudioLimits
from transforms.audio.convert import convert
from transforms.audio.converted import Converted
from transforms.audio.excerpt import Excerpt

def highest():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

folder = Path(sys.argv[1])
convert(folder / "short", [Excerpt()], AudioLimits(), folder)
base = highest()
(result,) = convert(folder / "long", [Excerpt()], AudioLimits(), folder)
assert isinstance(result, Converted), result
print(highest() - base, result.statistics.duration)
"""


def write_noise(path: Path, seconds: int, container: str, subtype: str) -> None:
    noise = np.random.default_rng(6).uniform(-0.3, 0.3, (RATE * 10, 2)).astype(np.float32)
    with soundfile.SoundFile(path, "w", RATE, 2, subtype, format=container) as sound:
        for _ in range(seconds // 10):
            sound.write(noise)


def memory_over_base(seconds: int, container: str, subtype: str, folder: Path) -> float:
    """Return how many MB more than ten seconds a recording takes at most."""
    write_noise(folder / "short", 10, container, subtype)
    write_noise(folder / "long", seconds, container, subtype)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE, text=True, check=True)
    extra, duration = map(float, done.stdout.split())
    assert duration == pytest.approx(seconds, abs=0.1)
    return extra


def test_eight_minutes_take_less_than_50_mb_more_than_ten_seconds(tmp_path):
    assert memory_over_base(480, "WAV", "PCM_16", tmp_path) < 50


@pytest.mark.slow
@pytest.mark.parametrize(("container", "subtype"), [("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_an_hour_takes_less_than_200_mb_more_than_ten_seconds(container, subtype, tmp_path):
    assert memory_over_base(3600, container, subtype, tmp_path) < 200


def test_a_plain_flac_is_copied_and_measured(tmp_path):
    padded = with_block(FLAC, 1, bytes(100))  # bytes that our encoder would not write
    copied = converted(padded, tmp_path)
    assert isinstance(copied, Converted)
    assert copied.flac == padded
    encoded_again = converted(by_soundfile(NOISE, 48_000, "WAV", "PCM_16"), tmp_path)
    assert isinstance(encoded_again, Converted)
    assert copied.statistics == encoded_again.statistics
    assert encoded_again.format == replace(copied.format, name="wav/pcm_16")


@pytest.mark.parametrize(
    "change",
    [
        lambda flac: with_block(flac, 6, picture()),
        lambda flac: with_block(flac, 2, b"appl1234"),
        lambda flac: flac[:26] + bytes(16) + flac[42:],
    ],
    ids=["picture", "application block", "no MD5"],
)
def test_a_flac_that_is_not_plain_is_encoded_again(change: Callable[[bytes], bytes], tmp_path):
    result = converted(change(FLAC), tmp_path)
    assert isinstance(result, Converted)
    assert result.flac == FLAC


@pytest.mark.parametrize("kind", [(48_000, 2, "PCM_16"), (44_100, 1, "PCM_16"), (48_000, 1, "PCM_24")])
def test_a_flac_in_another_format_is_converted(kind, tmp_path):
    rate, n_channels, subtype = kind
    data = by_soundfile(tone(0.5, rate, n_channels), rate, "FLAC", subtype)
    result = converted(data, tmp_path)
    assert isinstance(result, Converted)
    assert result.flac != data
    assert result.statistics.n_frames == 24_000


@pytest.mark.parametrize("excerpt", [Excerpt(0.0, 1.0), Excerpt(0.5)])
def test_an_excerpt_of_a_plain_flac_is_converted(excerpt, tmp_path):
    result = converted(with_block(FLAC, 1, bytes(100)), tmp_path, excerpt)
    assert isinstance(result, Converted)
    assert result.statistics.n_frames == 48_000 - excerpt.start * SAMPLE_RATE
    assert bytes(100) not in result.flac[:200]


def test_a_flac_whose_frames_do_not_have_the_md5_of_its_header_is_corrupt(tmp_path):
    wrong = FLAC[:26] + bytes(byte ^ 0x55 for byte in FLAC[26:42]) + FLAC[42:]
    result = converted(wrong, tmp_path)
    assert isinstance(result, Rejected)
    assert (result.reason, "MD5" in result.detail) == (Reason.CORRUPT, True)


def test_a_recording_in_any_format_gives_the_frames_of_its_flac(tmp_path):
    for name in ("wav_24", "m4a", "ogg_opus"):
        result = converted(encoded(name), tmp_path)
        assert isinstance(result, Converted)
        (tmp_path / "b.flac").write_bytes(result.flac)
        frames, rate = soundfile.read(tmp_path / "b.flac", dtype="int16")
        assert (rate, frames.shape) == (SAMPLE_RATE, (result.statistics.n_frames,))
        assert result.statistics.peak == np.abs(frames.astype(int)).max() / 32768

"""Every recording, whatever its bytes, becomes a sample or has the reason that a person would give."""

import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pipeline.records import AudioLimits, Caption, Clip, Provenance, Reason, Recording, Rejection, Sample
from tests.sounds import RATE, by_av, by_soundfile, encoded, film, flac_with_frame_count, id3, pcm16, picture, tone, wav
from transforms.audio.convert import convert
from transforms.shards.make_samples import make_samples

LIMITS = AudioLimits(max_seconds=60.0)
SILENCE = np.zeros((RATE, 1))


def make_outcome(
    data: bytes, folder: Path, start: float | None = None, end: float | None = None, limits: AudioLimits = LIMITS
) -> Sample | Rejection:
    path = folder / "recording.mp3"  # not what most of the files are
    path.write_bytes(data)
    clip = Clip("table", "Set", "train", "1", "recording.mp3", start, end, (Caption("a tone"),))
    (result,) = make_samples(
        [clip], lambda clip, work: Recording(path, Provenance(n_bytes=len(data))), LIMITS if limits is None else limits, folder, convert
    )
    return result


def _cut(name: str, share: float = 0.6, seconds: float = 3.0) -> bytes:
    data = encoded(name, seconds)
    return data[: int(len(data) * share)]


def _padded_float() -> bytes:
    frames = tone(1.0, n_channels=1)[:, 0].astype("<f4")
    frames[100:103] = np.nan, np.inf, -np.inf
    return wav(frames.tobytes(), tag=3, bits=32)


def _ogg_of_silence(seconds: int) -> bytes:
    return by_soundfile(np.zeros((48_000 * seconds, 1)), 48_000, "OGG", "OPUS")


TONE = pcm16(tone(1.0, n_channels=1))


@dataclass(frozen=True)
class Case:
    """A file and its expected outcome: a reason, or the duration of the sample in seconds."""

    make: Callable[[], bytes]
    outcome: Reason | float
    start: float | None = None
    end: float | None = None


CASES = {
    # not audio
    "no bytes": Case(lambda: b"", Reason.EMPTY),
    "one byte": Case(lambda: b"\xff", Reason.NOT_AUDIO),
    "text": Case(lambda: b"The file you asked for is gone.\n" * 50, Reason.NOT_AUDIO),
    "a web page": Case(lambda: b"<!DOCTYPE html><html><body>Sign in</body></html>", Reason.NOT_AUDIO),
    "json": Case(lambda: b'{"detail": "Not found."}', Reason.NOT_AUDIO),
    "a picture": Case(picture, Reason.NOT_AUDIO),
    "a zip": Case(lambda: b"PK\x03\x04" + bytes(range(256)) * 10, Reason.NOT_AUDIO),
    "random bytes": Case(lambda: np.random.default_rng(5).bytes(50_000), Reason.NOT_AUDIO),
    "zeros": Case(lambda: bytes(50_000), Reason.NOT_AUDIO),
    "a film without sound": Case(lambda: film(with_sound=False), Reason.NOT_AUDIO),
    "an HLS playlist": Case(lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", Reason.NOT_AUDIO),
    "a concat script": Case(lambda: b"ffconcat version 1.0\nfile 'a.wav'\n", Reason.NOT_AUDIO),
    "a tag and a playlist after it": Case(lambda: id3(64) + b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", Reason.NOT_AUDIO),
    "a tag and nothing after it": Case(lambda: id3(64), Reason.NOT_AUDIO),
    # cut short
    "wav cut short": Case(lambda: _cut("wav_16"), Reason.CORRUPT),
    "wav cut short, excerpt before the cut": Case(lambda: _cut("wav_16"), 1.0, 0.5, 1.5),
    "wav cut short, excerpt across the cut": Case(lambda: _cut("wav_16"), Reason.CORRUPT, 1.0, 2.5),
    "flac cut short": Case(lambda: _cut("flac_16"), Reason.CORRUPT),
    "flac cut short, excerpt before the cut": Case(lambda: _cut("flac_16"), 1.0, 0.5, 1.5),
    "mp3 cut short": Case(lambda: _cut("mp3"), Reason.CORRUPT),
    "mp3 of libsndfile cut short": Case(lambda: _cut("mp3_by_libsndfile"), Reason.CORRUPT),
    "mp3 cut short, excerpt before the cut": Case(lambda: _cut("mp3"), 1.0, 0.5, 1.5),
    "ogg cut short is shorter, as it does not say how long it is": Case(lambda: _cut("vorbis", 0.75, 20.0), 13.69),
    "opus cut short is shorter, as it does not say how long it is": Case(lambda: _cut("ogg_opus", 0.75, 20.0), 14.97),
    "webm cut short": Case(lambda: _cut("webm"), Reason.CORRUPT),
    "m4a cut short": Case(lambda: _cut("m4a"), Reason.CORRUPT),
    "wavpack cut short": Case(lambda: _cut("wavpack"), Reason.CORRUPT),
    "aiff cut short": Case(lambda: _cut("aiff_16"), Reason.CORRUPT),
    "only a header": Case(lambda: encoded("flac_16")[:60], Reason.CORRUPT),
    # wrong headers
    "wav of unknown length (0xffffffff)": Case(lambda: wav(TONE, claimed=0xFFFFFFFF, riff=0xFFFFFFFF), 1.0),
    "wav of unknown length (0x7fffffff)": Case(lambda: wav(TONE, claimed=0x7FFFFFFF), 1.0),
    "wav that claims 1 GB": Case(lambda: wav(TONE, claimed=1 << 30), Reason.CORRUPT),
    "wav that claims almost 4 GB": Case(lambda: wav(TONE, claimed=0xFFFFFF00), 1.0),
    "wav whose length was never filled in": Case(lambda: wav(TONE, claimed=0, riff=0), 1.0),
    "wav without frames": Case(lambda: wav(b""), Reason.EMPTY),
    "wav at 0 Hz": Case(lambda: wav(TONE, rate=0), Reason.CORRUPT),
    "wav at 1 Hz": Case(lambda: wav(TONE, rate=1), Reason.CORRUPT),
    "wav at 2147483647 Hz": Case(lambda: wav(TONE, rate=2**31 - 1), Reason.CORRUPT),
    "wav of 0 channels": Case(lambda: wav(TONE, n_channels=0), Reason.CORRUPT),
    "wav of 65535 channels": Case(lambda: wav(TONE, n_channels=65535), Reason.CORRUPT),
    "wav of 0 bits": Case(lambda: wav(TONE, bits=0), Reason.CORRUPT),
    "wav of an unknown codec": Case(lambda: wav(TONE, tag=0x1234), Reason.UNSUPPORTED),
    "flac that does not know its length": Case(lambda: flac_with_frame_count(encoded("flac_16"), 0), 1.0),
    "flac that claims an hour, with all frames there": Case(lambda: flac_with_frame_count(encoded("flac_16"), 3600 * RATE), 1.0),
    "flac that claims half of its frames": Case(lambda: flac_with_frame_count(encoded("flac_16"), RATE // 2), 1.0),
    # silence
    "digital silence": Case(lambda: by_soundfile(SILENCE, RATE, "WAV", "PCM_16"), Reason.SILENT),
    "one loud frame in silence": Case(lambda: wav(bytes(40_000) + b"\xff\x3f" + bytes(48_198)), 1.0),
    "a tone padded with silence": Case(lambda: wav(TONE + bytes(4 * len(TONE))), 5.0),
    # too much
    "two minutes of silence in 20 kB of opus": Case(lambda: _ogg_of_silence(120), Reason.TOO_LONG),
    "two minutes of zeros in a small flac": Case(
        lambda: by_soundfile(np.zeros((48_000 * 120, 1)), 48_000, "FLAC", "PCM_16"), Reason.TOO_LONG
    ),
    # several things in one file
    "vorbis chained with vorbis": Case(lambda: encoded("vorbis") + encoded("vorbis"), 2.0),
    "mp3 after mp3": Case(lambda: encoded("mp3_without_xing") + encoded("mp3_without_xing"), 2.09),
    "mp3 with a cover": Case(lambda: _mp3_with_cover(), 1.0),
    "mp3 after 20 MB of tag": Case(lambda: id3(20_000_000) + encoded("mp3_by_libsndfile"), 1.0),
    "wav after a tag": Case(lambda: id3(1000) + wav(TONE), 1.0),
    "flac after a tag": Case(lambda: id3(1000) + encoded("flac_16"), 1.0),
    "a film with sound": Case(lambda: film(with_sound=True), 1.02),
    "wav with bytes after its end": Case(lambda: wav(TONE) + b"LIST" + struct.pack("<I", 4) + b"abcd", 1.0),
    # values that are not finite
    "float wav with NaN and infinities": Case(_padded_float, 1.0),
    "float wav far beyond full scale": Case(lambda: by_soundfile(8 * tone(1.0), RATE, "WAV", "FLOAT"), 1.0),
    # excerpts outside of the recording
    "excerpt after the end": Case(lambda: wav(TONE), Reason.OUT_OF_RANGE, 5.0, 6.0),
    "excerpt far across the end": Case(lambda: wav(TONE), Reason.OUT_OF_RANGE, 0.5, 6.0),
    "excerpt that ends a little late": Case(lambda: wav(TONE), 0.6, 0.4, 1.2),
    "opus excerpt after the end": Case(lambda: encoded("ogg_opus"), Reason.OUT_OF_RANGE, 5.0, 6.0),
}


def _mp3_with_cover() -> bytes:
    image = picture()
    body = b"\x00image/png\x00\x03\x00" + image
    frame = b"APIC" + bytes((len(body) >> shift) & 0x7F for shift in (21, 14, 7, 0)) + b"\x00\x00" + body
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + size + frame + by_av(tone(1.0), RATE, "mp3", "libmp3lame", {"id3v2_version": "0"})


@pytest.mark.parametrize("name", CASES)
def test_every_file_becomes_a_sample_or_has_the_reason_a_person_would_give(name, tmp_path):
    case = CASES[name]
    result = make_outcome(case.make(), tmp_path, case.start, case.end)
    if isinstance(case.outcome, Reason):
        assert isinstance(result, Rejection), "became a sample"
        assert result.reason is case.outcome, result.detail
        assert result.detail
    else:
        assert isinstance(result, Sample), f"{result.reason}: {result.detail}"
        assert result.statistics.duration == pytest.approx(case.outcome, abs=0.06)
        assert result.statistics.peak > 0.1


def test_a_header_that_promises_gigabytes_costs_no_memory(tmp_path):
    data = wav(TONE, claimed=0xFFFFFFFF, riff=0xFFFFFFFF)
    make_outcome(data, tmp_path)
    tracemalloc.start()
    make_outcome(data, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000


def test_a_playlist_opens_no_local_file(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(TONE))
    for text in (f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n", f"ffconcat version 1.0\nfile {secret}\n"):
        for data in (text.encode(), b"\x00" + text.encode(), id3(16) + text.encode()):
            assert isinstance(make_outcome(data, tmp_path), Rejection)

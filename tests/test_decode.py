"""Every format decodes to the sound that was encoded, and every excerpt to its part of it."""

import struct
import subprocess
import tempfile
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.records import Reason, Rejected
from sources import quickstart
from tests.frame_recorder import FrameRecorder
from tests.sounds import FORMATS, LOSSY, RATE, bursts, by_soundfile, clicks, encoded, id3, pcm16, tone, wav
from transforms.audio.decode import Route, choose_route, decode
from transforms.audio.decode_ffmpeg import find_ffmpeg
from transforms.audio.excerpt import Excerpt
from transforms.audio.sniff import HEAD_BYTES


def decoded(data: bytes, folder: Path, start: float = 0.0, end: float | None = None) -> FrameRecorder:
    path = folder / "a-name-without-extension"
    path.write_bytes(data)
    recorder = FrameRecorder(Excerpt(start, end))
    (rejection,) = decode(path, [recorder.cutter])
    if rejection is not None:
        raise rejection
    return recorder


def level(frames: np.ndarray) -> float:
    """Return the root mean square; that of `tone()` is 0.3536."""
    return float(np.sqrt((frames.astype(float) ** 2).mean()))


TONE_LEVEL = 0.5 / np.sqrt(2)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_decodes_to_the_sound_that_was_encoded(name, tmp_path):
    kind = FORMATS[name]
    recorder = decoded(encoded(name), tmp_path)
    assert (recorder.source.rate, recorder.source.n_channels, recorder.cutter.n_nonfinite) == (kind.rate, kind.n_channels, 0)
    assert abs(len(recorder.frames) / kind.rate - 1.0) < 0.05  # codecs pad to full packets
    middle = recorder.frames[kind.rate // 4 : 3 * kind.rate // 4]
    assert level(middle) == pytest.approx(TONE_LEVEL, rel=max(kind.error, 0.01))
    if kind.error < LOSSY:
        assert np.abs(recorder.frames[: kind.rate] - tone(1.0, kind.rate, 1)[:, 0]).max() <= kind.error


def test_libsndfile_decodes_what_it_decodes_best_and_ffmpeg_everything_else(tmp_path):
    decoders = {name: decoded(encoded(name, 0.2), tmp_path).source.decoder for name in FORMATS}
    best = {name for name in FORMATS if name.startswith(("wav_", "wavex", "rf64", "flac"))} | {"mp3_by_libsndfile", "mp3", "caf_alac"}
    assert {name for name, decoder in decoders.items() if decoder == "soundfile"} == best
    assert set(decoders.values()) == {"soundfile", "av"}


def route_of(data: bytes, container: str) -> Route:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return choose_route(file, container, data[:HEAD_BYTES])


MP3 = encoded("mp3_by_libsndfile")


@pytest.mark.parametrize(
    ("container", "data", "route"),
    [
        ("wav", encoded("wav_16"), Route("wav", True, "")),
        ("wav", by_soundfile(tone(1.0, 8000, 1), 8000, "WAV", "NMS_ADPCM_16"), Route("wav", True, "")),
        ("libsndfile", by_soundfile(tone(1.0, 8000, 1), 8000, "XI", "DPCM_16"), Route("libsndfile", True)),
        ("wav", wav(bytes(1000), tag=0x31), Route("wav", False, "")),  # GSM 6.10
        ("wav", wav(bytes(1000), tag=0x55), Route("wav", False, "")),  # MP3
        ("wav", wav(bytes(1000), claimed=1 << 20), Route("wav", True, "the file ends")),
        ("flac", encoded("flac_16"), Route("flac", True, None)),
        ("mp3", MP3, Route("mp3", True, "")),
        ("mp3", MP3.replace(b"Xing", b"Tony").replace(b"Info", b"Tony"), Route("mp3", False, "")),
        ("mp3", MP3[: len(MP3) // 2], Route("mp3", False, "the file ends")),
        ("caf", encoded("caf_alac"), Route("caf", True, "")),
        ("caf", encoded("caf_16"), Route("caf", False, "")),
        ("mov", encoded("m4a_alac"), Route("mov", False, None)),
        ("ogg", encoded("vorbis"), Route("ogg", False, None)),
    ],
)
def test_the_decoder_depends_on_container_codec_and_header(container, data, route):
    assert route_of(data, container) == route


def test_a_file_without_bytes_is_empty(tmp_path):
    with pytest.raises(Rejected) as raised:
        decoded(b"", tmp_path)
    assert (raised.value.reason, raised.value.detail) == (Reason.EMPTY, "the file has no bytes")


def test_what_is_no_audio_is_named_without_its_bytes(tmp_path):
    with pytest.raises(Rejected) as raised:
        decoded(b"<html><body>404 not found and more", tmp_path)
    assert (raised.value.reason, raised.value.detail) == (Reason.NOT_AUDIO, "a page of HTML or XML, no recording")
    for rest, kind in ((b"", "a text"), (b"<html>", "a page of HTML or XML")):
        with pytest.raises(Rejected) as raised:
            decoded(id3(20) + rest, tmp_path)
        assert (raised.value.reason, raised.value.detail) == (Reason.NOT_AUDIO, f"{kind} after an ID3 tag, no recording")


@pytest.mark.parametrize(("n_text", "detail"), [(HEAD_BYTES, "a text"), (HEAD_BYTES - 1, "FFmpeg: ")])
def test_only_the_first_4096_bytes_decide(n_text, detail, tmp_path):
    assert HEAD_BYTES == 4096
    with pytest.raises(Rejected) as raised:
        decoded(b"a" * n_text + bytes(range(128, 256)), tmp_path)
    assert raised.value.detail.startswith(detail)


@pytest.mark.parametrize("name", ["mp3_by_libsndfile", "mp3_without_xing", "flac_16", "wav_16", "aac_adts"])
@pytest.mark.parametrize("n_bytes", [10, 5000])
def test_a_recording_after_an_id3_tag_is_decoded(name, n_bytes, tmp_path):
    recorder = decoded(id3(n_bytes) + encoded(name), tmp_path)
    assert len(recorder.frames) == pytest.approx(RATE, rel=0.05)
    assert level(recorder.frames[RATE // 4 : 3 * RATE // 4]) == pytest.approx(TONE_LEVEL, rel=0.05)


def test_a_sample_format_that_pyav_does_not_convert_is_decoded_by_the_ffmpeg_process(tmp_path):
    values = (tone(0.5, n_channels=1)[:, 0] * 2.0**62).astype("<i8")
    recorder = decoded(wav(values.tobytes(), bits=64), tmp_path)
    assert (recorder.source.decoder, recorder.source.name, len(recorder.frames)) == ("ffmpeg", "wav/unknown", RATE // 2)
    assert level(recorder.frames) == pytest.approx(TONE_LEVEL / 2, rel=0.01)


def test_what_the_ffmpeg_process_does_not_decode_either_has_the_reason_of_the_libraries(tmp_path):
    with pytest.raises(Rejected, match="no decoder") as raised:
        decoded(wav(bytes(1000), tag=0x1234), tmp_path)
    assert raised.value.reason is Reason.UNSUPPORTED


def test_unknown_bytes_that_ffmpeg_does_not_open_are_not_audio(tmp_path):
    with pytest.raises(Rejected) as raised:
        decoded(bytes(range(128, 256)) * 20, tmp_path)
    assert raised.value.reason is Reason.NOT_AUDIO


@pytest.mark.parametrize("name", ["wav_16", "wav_24", "wav_float", "flac_16", "flac_24", "rf64"])
@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (1.25, 2.0), (0.123456, 1.654321), (2.0, 3.0)])
def test_excerpts_are_right_to_the_frame(name, start, end, tmp_path):
    noise = np.random.default_rng(2).uniform(-0.9, 0.9, (3 * RATE, 2))
    data = FORMATS[name].make(noise, RATE)
    recording = decoded(data, tmp_path)
    part = decoded(data, tmp_path, start, end)
    assert np.array_equal(part.frames, recording.frames[round(start * RATE) : round(end * RATE)])


@pytest.mark.parametrize("name", ["aiff_16", "caf_16", "w64", "au_16", "ogg_flac", "m4a_alac", "wavpack", "tta", "matroska_flac"])
def test_excerpts_of_other_lossless_formats_are_right_to_the_frame_too(name, tmp_path):
    noise = np.random.default_rng(3).uniform(-0.9, 0.9, (3 * RATE, 2))
    data = FORMATS[name].make(noise, RATE)
    recording = decoded(data, tmp_path)
    part = decoded(data, tmp_path, 0.777, 1.888)
    assert np.array_equal(part.frames, recording.frames[round(0.777 * RATE) : round(1.888 * RATE)])


def test_a_click_is_decoded_at_the_time_where_it_was_recorded(tmp_path):
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
"""Seconds; the codec's own delay where the file does not give it. In other formats it is at most 12 ms."""


@pytest.mark.parametrize("name", [name for name, kind in FORMATS.items() if kind.error >= LOSSY])
def test_lossy_excerpts_are_right_within_the_delay_of_the_codec(name, tmp_path):
    kind = FORMATS[name]
    frames = np.repeat(bursts((1.0, 2.0), 3.0, kind.rate), kind.n_channels, axis=1)
    part = decoded(kind.make(frames, kind.rate), tmp_path, 1.5, 2.5)
    begins = np.flatnonzero(np.abs(part.frames) > 0.3)[0] / kind.rate
    assert len(part.frames) == kind.rate
    assert abs(begins - 0.5) < LONGEST_DELAY.get(name, 0.012)


@pytest.mark.parametrize("name", FORMATS)
def test_an_excerpt_is_a_slice_of_the_recording_wherever_it_begins(name, tmp_path):
    kind, chance = FORMATS[name], np.random.default_rng(5)
    loud_and_soft = np.abs(np.sin(np.arange(6 * kind.rate) / kind.rate * 9))[:, None] ** 8  # packets of very different sizes
    data = kind.make(chance.uniform(-0.9, 0.9, (6 * kind.rate, kind.n_channels)) * loud_and_soft, kind.rate)
    recording = decoded(data, tmp_path)
    for start in chance.uniform(0.0, 5.0, 8):
        first_frame, part = round(start * kind.rate), decoded(data, tmp_path, start, start + 0.5)
        assert len(part.frames) == round((start + 0.5) * kind.rate) - first_frame
        assert np.allclose(part.frames, recording.frames[first_frame : first_frame + len(part.frames)], atol=1e-5)


BUNDLED_MP3 = sorted((Path(quickstart.__file__).parent / "audio").glob("*.mp3"))


@pytest.mark.parametrize("path", BUNDLED_MP3, ids=[path.stem for path in BUNDLED_MP3])
def test_real_mp3_is_undamaged_between_blocks_and_after_seeks(path, tmp_path):
    with av.open(str(path)) as media:
        wanted = np.concatenate([frame.to_ndarray() for frame in media.decode(audio=0)], axis=1).mean(axis=0)
    recording = decoded(path.read_bytes(), tmp_path)
    rate = recording.source.rate
    assert np.allclose(recording.frames, wanted, atol=1e-4)
    start = len(wanted) / rate / 2
    part = decoded(path.read_bytes(), tmp_path, start)
    assert np.allclose(part.frames, wanted[round(start * rate) :], atol=1e-4)


def test_a_chained_ogg_is_one_recording(tmp_path):
    recorder = decoded(encoded("ogg_opus") + encoded("ogg_opus"), tmp_path)
    assert len(recorder.frames) == 2 * 48_000


def test_a_chain_whose_rate_changes_has_the_first_rate_and_the_full_duration(tmp_path):
    slower = by_soundfile(tone(1.0, 22_050), 22_050, "OGG", "VORBIS")
    recorder = decoded(encoded("vorbis") + slower, tmp_path)
    assert recorder.source.rate == RATE
    assert abs(len(recorder.frames) / RATE - 2.0) < 0.02
    assert level(recorder.frames[RATE + RATE // 4 : RATE + 3 * RATE // 4]) == pytest.approx(TONE_LEVEL, rel=0.05)


@pytest.mark.parametrize("name", ["ac3", "aac_adts", "mp3_without_xing", "mp2"])
def test_every_part_of_a_recording_is_mixed_from_the_channels_it_has(name, tmp_path):
    parts = [FORMATS[name].make(tone(1.0, RATE, n_channels), RATE) for n_channels in (2, 1, 2, 1)]
    recorder = decoded(b"".join(parts), tmp_path)
    assert len(recorder.frames) == pytest.approx(4 * RATE, rel=0.05)  # codecs pad
    for second in range(4):
        middle = recorder.frames[round((second + 0.3) * RATE) : round((second + 0.7) * RATE)]
        assert level(middle) == pytest.approx(TONE_LEVEL, rel=0.08)


def test_a_chain_whose_codec_changes_is_decoded_to_its_end(tmp_path):
    recorder = decoded(encoded("vorbis") + encoded("ogg_opus"), tmp_path, 0.5, 1.8)
    assert len(recorder.frames) == round(1.3 * RATE)
    assert (np.abs(recorder.frames[-4000:]) > 0.4).any()


def test_channels_from_one_to_sixty_four_are_averaged(tmp_path):
    for n_channels in (1, 2, 6, 64):
        frames = np.zeros((1000, n_channels))
        frames[:, 0] = 0.5
        recorder = decoded(wav(pcm16(frames), n_channels=n_channels), tmp_path)
        assert np.allclose(recorder.frames, 0.5 / n_channels, atol=1e-7)


@pytest.mark.parametrize("rate", [1_000, 8_000, 96_000, 192_000, 768_000])
def test_rates_from_1_to_768_khz_are_decoded_as_they_are(rate, tmp_path):
    recorder = decoded(wav(pcm16(tone(0.1, rate, 1)), rate=rate), tmp_path)
    assert (recorder.source.rate, len(recorder.frames)) == (rate, rate // 10)


@pytest.mark.parametrize(
    ("n_channels", "codec", "container"), [(8, "wavpack", "wv"), (16, "wavpack", "wv"), (8, "libopus", "ogg"), (8, "aac", "latm")]
)
def test_channels_in_more_planes_than_pyav_reads_are_averaged(n_channels, codec, container, tmp_path):
    frames = np.zeros((48_000, n_channels))
    frames[:, 0] = tone(1.0, 48_000, 1)[:, 0]
    recorder = decoded(in_planes(frames, codec, container, tmp_path), tmp_path)
    assert (recorder.source.decoder, recorder.source.n_channels) == ("av", n_channels)
    assert len(recorder.frames) == pytest.approx(48_000, abs=2048)
    assert level(recorder.frames) == pytest.approx(TONE_LEVEL / n_channels, rel=0.05)


@pytest.mark.parametrize(("order", "name"), [("<", b"RIFF"), (">", b"RIFX")])
def test_extensible_wav_is_read_in_both_byte_orders(order, name, tmp_path):
    values = np.round(20_000 * tone(0.5, RATE, 1)[:, 0]).astype(f"{order}i4")
    frames = (values << 16).astype(f"{order}i4").tobytes()
    sub_format = struct.pack(f"{order}IHH", 1, 0, 16) + bytes.fromhex("800000AA00389B71")
    fmt = struct.pack(f"{order}HHIIHHHHI", 0xFFFE, 1, RATE, 4 * RATE, 4, 32, 22, 32, 4) + sub_format
    body = b"WAVEfmt " + struct.pack(f"{order}I", len(fmt)) + fmt + b"data" + struct.pack(f"{order}I", len(frames)) + frames
    recorder = decoded(name + struct.pack(f"{order}I", len(body)) + body, tmp_path)
    assert recorder.source.decoder == "soundfile"
    assert recorder.frames == pytest.approx(values / 32_768, abs=1e-6)


def in_planes(frames: np.ndarray, codec: str, container: str, folder: Path) -> bytes:
    """Return frames at 48 kHz as a recording whose decoder gives a plane for each channel."""
    program = find_ffmpeg()
    assert program is not None
    (folder / "source.wav").write_bytes(wav(pcm16(frames), n_channels=frames.shape[1], rate=48_000))
    arguments = ["-v", "error", "-i", str(folder / "source.wav"), "-c:a", codec, "-f", container, "pipe:1"]
    return subprocess.run([program, *arguments], stdout=subprocess.PIPE, check=True).stdout

"""Sound files of any kind as the build converts them."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from pipeline.records import AudioLimits, Rejected
from tests.train_sets import flac, sound
from train.data.convert import convert, is_plain_flac
from transforms.audio import convert as build
from transforms.audio.excerpt import Excerpt

BY_SOUNDFILE = [
    *(("WAV", subtype) for subtype in ("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "MS_ADPCM", "GSM610")),
    *(("FLAC", subtype) for subtype in ("PCM_16", "PCM_24")),
    *(("OGG", subtype) for subtype in ("VORBIS", "OPUS")),
    *((kind, "PCM_16") for kind in ("WAVEX", "RF64", "AIFF", "AU")),
    ("MP3", "MPEG_LAYER_III"),
]
FORMS = {"GSM610": 1, "MPEG_LAYER_III": 2, "MS_ADPCM": 3}  # the others hold any rate and number of channels
BY_FFMPEG = [("mp3", "libmp3lame"), ("adts", "aac"), ("mp4", "aac"), ("ogg", "libopus"), ("flac", "flac"), ("wav", "pcm_s16le")]


def wave(rate, n_channels, seconds=0.3):
    """Return a hum with noise (n_frames, n_channels), each channel another one."""
    rng, t = np.random.default_rng(n_channels), np.arange(int(rate * seconds)) / rate
    tones = [0.4 * np.sin(2 * np.pi * (300 + 70 * c) * t) + rng.normal(0, 0.05, len(t)) for c in range(n_channels)]
    return np.stack(tones, 1).astype(np.float32)


def written(kind, subtype, rate, n_channels):
    file = io.BytesIO()
    soundfile.write(file, wave(rate, n_channels), rate, format=kind, subtype=subtype)
    return file.getvalue()


def encoded(container, codec, rate, n_channels):
    file = io.BytesIO()
    layout = {1: "mono", 2: "stereo"}[n_channels]
    with av.open(file, "w", format=container) as media:
        stream = media.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(wave(rate, n_channels).reshape(1, -1), format="flt", layout=layout)
        frame.rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            media.mux(packet)
    return file.getvalue()


def built(data, folder):
    """Return the frames of the FLAC that a build makes of a recording; None where it rejects it."""
    (folder / "recording").write_bytes(data)
    result = build.convert(folder / "recording", [Excerpt()], AudioLimits(min_seconds=0.1), folder)[0]
    if isinstance(result, Rejected):
        return None
    assert isinstance(result.flac, bytes)
    return soundfile.read(io.BytesIO(result.flac), dtype="float32")[0]


@pytest.mark.parametrize(("kind", "subtype"), BY_SOUNDFILE)
def test_the_frames_are_those_of_a_build(kind, subtype, tmp_path):
    forms = ((48_000, 1), (44_100, 2), (8_000, 1), (96_000, 6))
    for rate, n_channels in forms[: FORMS.get(subtype, 4)]:
        data = written(kind, subtype, 24_000 if subtype == "OPUS" else rate, n_channels)
        assert np.array_equal(convert(data), built(data, tmp_path)), (rate, n_channels)


@pytest.mark.parametrize(("container", "codec"), BY_FFMPEG)
def test_the_frames_of_files_by_ffmpeg_are_those_of_a_build(container, codec, tmp_path):
    for rate, n_channels in ((48_000, 1), (48_000, 2), (16_000, 1)):
        data = encoded(container, codec, rate, n_channels)
        assert np.array_equal(convert(data), built(data, tmp_path)), (rate, n_channels)


def mp3() -> bytes:
    return encoded("mp3", "libmp3lame", 44_100, 2)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: mp3()[len(mp3()) // 3 :], id="an MP3 from its middle, without a header"),
        pytest.param(lambda: mp3() + mp3(), id="two MP3 joined"),
        pytest.param(lambda: b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + mp3(), id="an MP3 after a tag"),
        pytest.param(
            lambda: written("WAV", "PCM_16", 44_100, 1)[:40] + b"\xff\xff\xff\xff" + wave(9000, 1).tobytes(), id="a WAV from a pipe"
        ),
    ],
)
def test_unusual_files_give_the_frames_of_a_build(data, tmp_path):
    assert np.array_equal(convert(data()), built(data(), tmp_path))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(lambda: mp3()[: len(mp3()) // 2], "the file ends before", id="a cut MP3"),
        pytest.param(lambda: written("WAV", "PCM_16", 48_000, 2)[:9000], "the file ends before", id="a cut WAV"),
        pytest.param(lambda: flac(sound("hum", 1, 0), 44_100)[:9000], "decoded", id="a cut FLAC"),
        pytest.param(lambda: b"<html>404</html>", "cannot be decoded", id="a page"),
        pytest.param(lambda: b"", "cannot be decoded", id="nothing"),
        pytest.param(lambda: written("WAV", "PCM_16", 44_100, 1)[:44], "ends before", id="a WAV of no frames"),
    ],
)
def test_what_a_build_rejects_is_an_error(data, message, tmp_path):
    assert built(data(), tmp_path) is None
    with pytest.raises(ValueError, match=message):
        convert(data())


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_floats_that_are_no_sound_are_an_error(value):
    frames = wave(44_100, 2)
    frames[1000, 1] = value
    file = io.BytesIO()
    soundfile.write(file, frames, 44_100, format="WAV", subtype="FLOAT")
    with pytest.raises(ValueError, match="its loudest frame is"):
        convert(file.getvalue())


def test_only_flac_of_48_khz_mono_and_16_bits_is_plain():
    assert is_plain_flac(flac(sound("hum", 0.1, 0)))
    assert not is_plain_flac(flac(sound("hum", 0.1, 0), 44_100))
    assert not is_plain_flac(flac(wave(48_000, 2)))
    assert not is_plain_flac(written("FLAC", "PCM_24", 48_000, 1))
    assert not is_plain_flac(written("WAV", "PCM_16", 48_000, 1))


def test_a_playlist_opens_no_other_file(tmp_path):
    secret = tmp_path / "secret.wav"
    soundfile.write(secret, wave(48_000, 1), 48_000)
    for playlist in (f"#EXTM3U\n#EXTINF:1,\n{secret}\n", f"ffconcat version 1.0\nfile '{secret}'\n"):
        with pytest.raises(ValueError, match="decoded"):
            convert(playlist.encode())
    assert Path(secret).exists()

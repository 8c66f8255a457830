"""Every demuxer of the installed FFmpeg is either allowed, and then tried where a file can be made, or refused with a reason."""

import io
import struct

import av
import numpy as np
import pytest

from pipeline.records import Reason, Rejected, Rejection
from tests.differential import COMBINATIONS, melody
from tests.frame_recorder import FrameRecorder
from tests.sounds import FORMATS, RATE, by_soundfile, encoded
from tests.test_audio_bad_input import make_outcome
from transforms.audio.decode import decode
from transforms.audio.demuxers import ALLOWED, REFUSED, installed_demuxers, probed_demuxers

BY_FFMPEG = {
    "ac3": "ac3 ac3", "aiff": "aiff pcm_s16be", "adx": "adx adpcm_adx", "alp": "alp adpcm_ima_alp", "amr": "amr libopencore_amrnb",
    "apm": "apm adpcm_ima_apm", "argo_asf": "argo_asf adpcm_argo", "asf": "asf wmav2", "ast": "ast pcm_s16be_planar", "aac": "adts aac",
    "au": "au pcm_s16be", "avi": "avi aac", "caf": "caf pcm_s16le", "dts": "dts dca", "eac3": "eac3 eac3", "flac": "flac flac",
    "flv": "flv aac", "ircam": "ircam pcm_s16le", "kvag": "kvag adpcm_ima_ssi", "loas": "latm aac",
    "matroska": "matroska aac", "mlp": "mlp mlp", "mmf": "mmf adpcm_yamaha", "mov": "mov aac", "mp3": "mp3 libmp3lame", "mpeg": "mpeg mp2",
    "mpegts": "mpegts aac", "mxf": "mxf_opatom pcm_s16le", "nut": "nut aac", "ogg": "ogg libopus", "rm": "rm ac3", "sox": "sox pcm_s32le",
    "spdif": "spdif ac3", "truehd": "truehd truehd", "tta": "tta tta", "voc": "voc pcm_s16le", "w64": "w64 pcm_s16le",
    "wav": "wav pcm_s16le", "wsaud": "wsaud adpcm_ima_ws", "wtv": "wtv mp2", "wv": "wv wavpack",
}  # fmt: skip
"""Demuxer -> the combination of `tests/differential.py` that it reads."""
BY_LIBSNDFILE = {"avr": "AVR", "iff": "SVX", "nistsphere": "NIST", "epaf": "PAF", "pvf": "PVF", "sds": "SDS"}


def tone_in_dsf() -> bytes:
    """Return a second of a tone in DSF, one bit a frame, by a modulator of first order (DSF file format specification 1.01)."""
    rate, error, bits = 2_822_400, 0.0, []
    for value in np.repeat(0.5 * np.sin(2 * np.pi * 440 * np.arange(rate // 64) / (rate / 64)), 64):
        error += value
        bits.append(error > 0)
        error -= 1.0 if bits[-1] else -1.0
    data = np.packbits(bits, bitorder="little").tobytes()
    data += bytes(-len(data) % 4096)
    form = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, rate, 1, rate, 4096, 0)
    body = form + struct.pack("<4sQ", b"data", 12 + len(data)) + data
    return struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(body), 0) + body


def tone_in_qoa() -> bytes:
    """Return QOA with one frame of silence (qoaformat.org): a header, and 20 slices of zeros."""
    slices = 20
    frame = struct.pack(">BBHHH", 1, RATE >> 16, RATE & 0xFFFF, slices * 20, 8 + 16 + 8 * slices) + bytes(16) + bytes(8 * slices)
    return struct.pack(">4sI", b"qoaf", slices * 20) + frame


BY_HAND = {"dsf": tone_in_dsf, "qoa": tone_in_qoa}


def read(data: bytes, folder) -> FrameRecorder:
    (folder / "a").write_bytes(data)
    recorder = FrameRecorder()
    (rejection,) = decode(folder / "a", [recorder.cutter])
    assert rejection is None
    return recorder


def test_every_installed_demuxer_is_allowed_or_refused():
    refused = {name for names in REFUSED.values() for name in names.split()}
    assert not ALLOWED & refused
    assert {name for name in installed_demuxers() - ALLOWED - refused if not name.endswith("_pipe")} == set()
    assert installed_demuxers() >= ALLOWED


def test_demuxers_that_are_devices_are_refused():
    no_file = 1  # AVFMT_NOFILE: the demuxer opens something by itself
    assert not {name for name in ALLOWED if av.format.ContainerFormat(name, "r").flags & no_file}


@pytest.mark.parametrize("demuxer", BY_FFMPEG)
def test_what_ffmpeg_writes_is_read(demuxer, tmp_path):
    kind = COMBINATIONS[BY_FFMPEG[demuxer]]
    recorder = read(kind.encode(tmp_path), tmp_path)
    assert len(recorder.frames) / recorder.source.rate == pytest.approx(3.0, abs=0.1)
    original = melody(1, 3.0, kind.rate, 1)[:, 0]
    assert np.sqrt((recorder.frames**2).mean()) == pytest.approx(np.sqrt((original**2).mean()), rel=0.15)


@pytest.mark.parametrize("demuxer", BY_LIBSNDFILE)
def test_what_libsndfile_writes_is_read(demuxer, tmp_path):
    frames = melody(1, 3.0, RATE, 1)
    recorder = read(by_soundfile(frames, RATE, BY_LIBSNDFILE[demuxer], "PCM_16"), tmp_path)
    assert recorder.source.name.startswith(demuxer)
    assert len(recorder.frames) == pytest.approx(len(frames), abs=0.02 * RATE)
    size = min(len(recorder.frames), len(frames))
    assert np.corrcoef(recorder.frames[:size], frames[:size, 0])[0, 1] > 0.98


@pytest.mark.parametrize(("container", "subtype"), [("MAT5", "PCM_16"), ("XI", "DPCM_16"), ("WVE", "ALAW"), ("WAV", "NMS_ADPCM_16")])
def test_what_libsndfile_alone_reads_is_read(container, subtype, tmp_path):
    frames = melody(1, 2.0, 8000, 1)
    recorder = read(by_soundfile(frames, 8000, container, subtype), tmp_path)
    assert recorder.source.decoder == "soundfile"
    assert np.sqrt((recorder.frames**2).mean()) == pytest.approx(np.sqrt((frames**2).mean()), rel=0.1)


@pytest.mark.parametrize("demuxer", BY_HAND)
def test_what_is_made_by_hand_is_read(demuxer, tmp_path):
    recorder = read(BY_HAND[demuxer](), tmp_path)
    assert recorder.source.name.startswith(demuxer)
    assert len(recorder.frames)


def test_every_demuxer_of_the_common_formats_is_tried():
    tried = BY_FFMPEG.keys() | BY_LIBSNDFILE.keys() | BY_HAND.keys()
    assert tried <= ALLOWED
    assert len(tried) >= 45


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_found_by_its_content_alone(name):
    with av.open(io.BytesIO(encoded(name)), options={"format_whitelist": probed_demuxers()}) as media:
        assert media.streams.audio


def test_random_bytes_are_found_to_be_nothing(tmp_path):
    chance = np.random.default_rng(0)
    for _ in range(40):
        result = make_outcome(chance.bytes(int(chance.integers(100, 40_000))), tmp_path)
        assert isinstance(result, Rejection)
        assert result.reason in {Reason.NOT_AUDIO, Reason.CORRUPT}  # the first bytes may be those of a container


@pytest.mark.parametrize("data", [b"OFR \x0f\x00\x00\x00" + bytes(range(128, 256)), b"#!SILK_V3" + bytes(range(128, 256))])
def test_recordings_without_a_reader_are_unsupported(data, tmp_path):
    with pytest.raises(Rejected, match="there is no decoder for") as raised:
        read(data, tmp_path)
    assert raised.value.reason is Reason.UNSUPPORTED


def test_a_codec_without_a_reader_is_unsupported(tmp_path):
    sphere = by_soundfile(melody(1, 1.0, RATE, 1), RATE, "NIST", "PCM_16")
    named = sphere.replace(b"sample_coding -s3 pcm\n", b"sample_coding -s20 pcm,embedded-wavpack\n")
    extra = len(named) - len(sphere)
    result = make_outcome(named[: 1024 - extra] + named[1024:], tmp_path)
    assert isinstance(result, Rejection)
    assert result.reason is Reason.UNSUPPORTED, result.detail

"""FFmpeg's libraries decode every excerpt in one pass, and what is missing or broken has the reason a person would give."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pipeline.records import Reason, Rejected
from tests.frame_recorder import FrameRecorder
from tests.sounds import FORMATS, RATE, by_av, encoded, film, pcm16, tone, wav
from transforms.audio.av_frame_collector import UnsupportedByAvError
from transforms.audio.decode_av import decode_av
from transforms.audio.decode_ffmpeg import find_ffmpeg
from transforms.audio.excerpt import Excerpt

BARE_MP3 = {"write_xing": "0", "id3v2_version": "0"}


def decode_excerpts(data: bytes, container: str, *excerpts: Excerpt) -> tuple[list[FrameRecorder], list[Rejected | None]]:
    recorders = [FrameRecorder(excerpt) for excerpt in excerpts or [Excerpt()]]
    return recorders, decode_av(io.BytesIO(data), container, [recorder.cutter for recorder in recorders])


def reasons(data: bytes, container: str, *excerpts: Excerpt) -> list[Reason | None]:
    _, rejections = decode_excerpts(data, container, *excerpts)
    return [rejection and rejection.reason for rejection in rejections]


def damaged(data: bytes) -> bytes:
    """Return the data with 300 wrong bytes in its middle."""
    middle = len(data) // 2
    return data[:middle] + b"\xff" * 300 + data[middle + 300 :]


def shortened(data: bytes, share: float) -> bytes:
    return data[: int(share * len(data))]


@pytest.mark.parametrize(
    ("name", "container", "source"),
    [
        ("m4a", "mov", ("mov/aac", RATE, 2)),
        ("webm", "matroska", ("matroska/opus", 48_000, 2)),
        ("amr", "amr", ("amr/amrnb", 8_000, 1)),
        ("aiff_16", "aiff", ("aiff/pcm_s16be", RATE, 2)),
        ("mpegts", "", ("mpegts/aac", RATE, 2)),
    ],
)
def test_the_source_format_names_container_and_codec(name, container, source):
    (recorder,), _ = decode_excerpts(encoded(name, 0.3), container)
    assert (recorder.source.name, recorder.source.rate, recorder.source.n_channels) == source
    assert recorder.source.decoder == "av"


def test_every_excerpt_is_cut_in_one_pass_and_nothing_after_the_last_is_read():
    data = FORMATS["tta"].make(np.random.default_rng(3).uniform(-0.9, 0.9, (20 * RATE, 2)), RATE)
    (full,), _ = decode_excerpts(data, "tta")
    file = io.BytesIO(data)
    recorders = [FrameRecorder(Excerpt(*span)) for span in [(1.5, 2.0), (0.5, 1.75), (0.25, 0.75)]]
    assert decode_av(file, "tta", [recorder.cutter for recorder in recorders]) == [None] * 3
    assert file.tell() < len(data) // 4
    for recorder in recorders:
        excerpt = recorder.cutter.excerpt
        assert np.array_equal(recorder.frames, full.frames[round(excerpt.start * RATE) : round(excerpt.end * RATE)])


def test_a_film_without_sound_is_not_audio():
    with pytest.raises(Rejected, match="without an audio stream") as raised:
        decode_excerpts(film(with_sound=False), "mov")
    assert raised.value.reason is Reason.NOT_AUDIO


@pytest.mark.parametrize(
    ("data", "container", "reason"),
    [
        (wav(bytes(1000), tag=0x1234), "wav", Reason.UNSUPPORTED),
        (encoded("wav_16"), "a demuxer that does not exist", Reason.UNSUPPORTED),
        (bytes(range(128, 256)) * 20, "mov", Reason.CORRUPT),
        (bytes(range(128, 256)) * 20, "", Reason.NOT_AUDIO),
    ],
    ids=["no decoder", "no demuxer", "broken container", "unknown bytes"],
)
def test_bytes_that_the_libraries_do_not_open_are_unsupported(data, container, reason):
    with pytest.raises(UnsupportedByAvError) as raised:
        decode_excerpts(data, container)
    assert raised.value.rejected.reason is reason
    assert raised.value.rejected.detail.startswith("FFmpeg: ")


def test_a_container_that_ends_in_its_header_is_corrupt():
    with pytest.raises(Rejected, match="FFmpeg: End of file") as raised:
        decode_excerpts(encoded("vorbis")[:2000], "ogg")
    assert raised.value.reason is Reason.CORRUPT


def test_a_recording_without_frames_is_empty_and_one_without_a_good_packet_is_corrupt():
    with pytest.raises(Rejected) as raised:
        decode_excerpts(wav(b""), "wav")
    assert (raised.value.reason, raised.value.detail) == (Reason.EMPTY, "no frames")
    data = encoded("m4a_alac")
    first, stop = data.index(b"mdat") + 4, data.index(b"moov") - 4
    with pytest.raises(Rejected) as raised:
        decode_excerpts(data[:first] + np.random.default_rng(1).bytes(stop - first) + data[stop:], "mov")
    assert raised.value.reason is Reason.CORRUPT
    assert raised.value.detail != "no frames"


@pytest.mark.parametrize("name", ["m4a", "mp3_without_xing", "aac_adts"])
def test_a_broken_packet_is_accepted_unless_wanted_frames_are_missing(name):
    data, container = damaged(encoded(name, 3.0)), {"m4a": "mov", "mp3_without_xing": "mp3", "aac_adts": "aac"}[name]
    excerpts = [Excerpt(), Excerpt(1.0), Excerpt(0.0, 2.5), Excerpt(0.0, 3.4), Excerpt(10.0)]
    assert reasons(data, container, *excerpts) == [None, None, None, Reason.CORRUPT, Reason.CORRUPT]


@pytest.mark.parametrize(("name", "container"), [("aiff_16", "aiff"), ("au_16", "au"), ("webm", "matroska"), ("wavpack", "wv")])
def test_a_recording_that_ends_before_its_container_says_is_corrupt_where_frames_are_missing(name, container):
    data = shortened(encoded(name, 3.0), 0.6)
    excerpts = [Excerpt(), Excerpt(0.5, 1.0), Excerpt(1.0, 2.5), Excerpt(2.9, None)]
    assert reasons(data, container, *excerpts) == [Reason.CORRUPT, None, Reason.CORRUPT, Reason.CORRUPT]


def test_the_duration_up_to_which_a_recording_could_be_decoded_is_reported():
    _, (rejection,) = decode_excerpts(shortened(encoded("au_16", 3.0), 0.5), "au")
    assert rejection is not None
    assert rejection.detail == "the file ends after 1.50 s"
    _, (rejection,) = decode_excerpts(encoded("au_16", 3.0), "au", Excerpt(5.0, 6.0))
    assert rejection is not None
    assert rejection.detail == "excerpt from 5 s to 6 s, but the recording has 3.00 s"


def test_a_container_that_cannot_be_read_further_is_corrupt_for_excerpts_to_its_end():
    data = shortened(encoded("wavpack", 3.0), 0.8)
    assert reasons(data, "wv", Excerpt(), Excerpt(0.5, 1.0), Excerpt(0.0, 2.9)) == [Reason.CORRUPT, None, Reason.CORRUPT]


def test_an_estimated_duration_is_no_reason_to_call_a_recording_shortened():
    low = by_av(tone(1.0), RATE, "mp3", "libmp3lame", BARE_MP3, 32_000)
    high = by_av(tone(10.0), RATE, "mp3", "libmp3lame", BARE_MP3, 320_000)  # FFmpeg estimates over a minute from the first frames
    (recorder,), rejections = decode_excerpts(low + high, "mp3")
    assert rejections == [None]
    assert recorder.cutter.n_frames == pytest.approx(11 * RATE, rel=0.01)


def test_pictures_may_last_longer_than_the_sound():
    data = film(with_sound=True, muxer="matroska", n_pictures=50)
    (recorder,), rejections = decode_excerpts(data, "matroska")
    assert rejections == [None]
    assert recorder.cutter.n_frames == pytest.approx(RATE, rel=0.05)


def test_every_link_of_an_ogg_chain_is_decoded_until_the_excerpts_are_complete():
    chain = encoded("ogg_opus") + encoded("ogg_flac") + encoded("vorbis")
    (recorder, part, late), rejections = decode_excerpts(chain, "ogg", Excerpt(), Excerpt(0.5, 2.5), Excerpt(2.5, 3.0))
    assert rejections == [None] * 3
    assert recorder.cutter.n_frames == pytest.approx(3 * 48_000, abs=500)
    assert part.cutter.n_frames == 2 * 48_000
    assert late.cutter.n_frames == pytest.approx(24_000, abs=500)
    broken_at_its_end = encoded("ogg_opus") + encoded("vorbis")[:2000]
    assert reasons(broken_at_its_end, "ogg", Excerpt(0.1, 0.6)) == [None]
    with pytest.raises(Rejected):
        decode_excerpts(broken_at_its_end, "ogg", Excerpt(0.1, 1.6))


def test_a_first_link_that_ends_early_makes_the_chain_corrupt():
    first = encoded("ogg_flac", 3.0)
    header_and_audio = first[: int(0.4 * len(first))]
    last_page = first[first.rindex(b"OggS") :]
    chain = header_and_audio[: header_and_audio.rindex(b"OggS")] + last_page + encoded("ogg_flac", 1.0)
    _, rejections = decode_excerpts(chain, "ogg", Excerpt(), Excerpt(0.1, 0.5))
    assert [rejection and rejection.reason for rejection in rejections] == [Reason.CORRUPT, None]


def test_sound_in_a_wav_by_another_codec_is_opened_at_once():
    (recorder,), rejections = decode_excerpts(encoded("wav_ima_adpcm"), "wav")
    assert rejections == [None]
    assert recorder.source.name == "wav/adpcm_ima_wav"


def test_a_decoder_starts_no_threads():
    class ThreadCounter(FrameRecorder):
        def add(self, frames: np.ndarray) -> None:
            counts.add(len(list(Path("/proc/self/task").iterdir())))

    counts: set[int] = set()
    n_before = len(list(Path("/proc/self/task").iterdir()))
    decode_av(io.BytesIO(encoded("wavpack", 3.0)), "wv", [ThreadCounter().cutter])  # a codec that FFmpeg can decode in threads
    assert counts == {n_before}


def encrypted_mp4(seconds: float, folder: Path) -> bytes:
    """Return a tone as MP4 with encrypted samples (ISO 23001-7)."""
    program = find_ffmpeg()
    assert program is not None
    key = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0123456789abcdef" * 2, "-encryption_kid", "76" * 16]
    source, target = folder / "source.wav", folder / "encrypted.mp4"
    source.write_bytes(wav(pcm16(tone(seconds))))
    subprocess.run([program, "-v", "error", "-i", str(source), "-c:a", "aac", *key, "-y", str(target)], check=True)
    return target.read_bytes()


def encrypted_webm(webm: bytes) -> bytes:
    """Return a WebM whose track says that it is encrypted (RFC 9559, section 5.1.4.1.31)."""

    def element(number: str, body: bytes) -> bytes:
        return bytes.fromhex(number) + bytes([0x80 | len(body)]) + body

    key = element("5035", element("47E1", b"\x05") + element("47E2", b"k" * 16))
    more = element("6D80", element("6240", element("5033", b"\x01") + key))
    at = webm.rindex(bytes.fromhex("1654AE6B"))  # Tracks; the index names it before
    end = at + 5 + (webm[at + 4] & 0x7F)
    track = webm[at + 14 : end] + more  # the size of Tracks has one byte, that of its only TrackEntry eight
    return webm[:at] + bytes.fromhex("1654AE6B") + long_size(len(track) + 9) + b"\xae" + long_size(len(track)) + track + webm[end:]


def long_size(n_bytes: int) -> bytes:
    return b"\x01" + n_bytes.to_bytes(7)


def test_encrypted_sound_is_unsupported_and_never_decoded_to_noise(tmp_path):
    live = by_av(tone(1.0, 48_000), 48_000, "webm", "libopus", {"write_crc32": "0", "live": "1"})
    assert reasons(live, "matroska") == [None]
    for data, container in ((encrypted_mp4(1.0, tmp_path), "mov"), (encrypted_webm(live), "matroska")):
        with pytest.raises(Rejected, match="encrypted") as caught:
            decode_excerpts(data, container)
        assert caught.value.reason is Reason.UNSUPPORTED

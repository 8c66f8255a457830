"""A chained Ogg file is split where a new recording begins, and nowhere else."""

import io
import os
import subprocess

import pytest

from pipeline.records import Reason
from tests.sounds import encoded, ogg_from_the_middle, ogg_of, ogg_pages
from tests.test_audio_bad_input import make_outcome
from transforms.audio.decode_ffmpeg import find_ffmpeg
from transforms.audio.ogg_links import n_granules, split_ogg_links

FIRST, SECOND, THIRD = encoded("vorbis", 0.3), encoded("ogg_opus", 0.5), encoded("ogg_flac", 0.2)


def page(begins: bool, body: bytes) -> bytes:
    """Return an Ogg page with one or more segments of 255 bytes and a last shorter one."""
    segments = bytes([255] * (len(body) // 255) + [len(body) % 255])
    header = b"OggS\x00" + (b"\x02" if begins else b"\x00") + bytes(20) + bytes([len(segments)])
    return header + segments + body


def test_every_link_of_a_chain_is_a_file_with_the_bytes_of_one_recording():
    links = split_ogg_links(io.BytesIO(FIRST + SECOND + THIRD))
    assert [link.read() for link in links] == [FIRST, SECOND, THIRD]


def test_a_single_recording_is_the_file_itself_at_its_first_byte():
    file = io.BytesIO(FIRST)
    file.seek(100)
    assert split_ogg_links(file) == [file]
    assert file.tell() == 0


def test_streams_that_begin_together_are_one_link():
    film = page(True, b"video") + page(True, b"audio") + page(False, b"v" * 700) + page(False, b"a" * 300)
    file = io.BytesIO(film)
    assert split_ogg_links(file) == [file]
    links = split_ogg_links(io.BytesIO(film + film))
    assert [link.read() for link in links] == [film, film]


@pytest.mark.parametrize("rest", [b"garbage after the last page " * 3, b"OggS\x00\x02 a short one"])
def test_bytes_after_the_last_page_belong_to_the_last_link(rest):
    links = split_ogg_links(io.BytesIO(FIRST + SECOND + rest))
    assert [link.read() for link in links] == [FIRST, SECOND + rest]


def test_a_link_that_is_cut_short_ends_with_the_file():
    links = split_ogg_links(io.BytesIO(FIRST + SECOND[:-50]))
    assert [link.read() for link in links] == [FIRST, SECOND[:-50]]


def test_a_link_seeks_and_reads_inside_its_own_bytes():
    first, second = split_ogg_links(io.BytesIO(FIRST + SECOND))
    assert (second.readable(), second.seekable(), second.tell()) == (True, True, 0)
    assert second.read(10) == SECOND[:10]
    assert second.tell() == 10
    assert second.seek(5, os.SEEK_CUR) == 15
    assert second.read(4) == SECOND[15:19]
    assert second.seek(-8, os.SEEK_END) == len(SECOND) - 8
    assert second.read() == SECOND[-8:]
    assert second.read(1) == b""
    assert second.seek(3) == 3
    assert second.read(2) == SECOND[3:5]
    assert second.seek(-100) == 0
    assert second.seek(10**9) == len(SECOND)
    assert first.seek(0, os.SEEK_END) == len(FIRST)
    assert first.read(5) == b""


@pytest.mark.parametrize(("name", "rate"), [("vorbis", 44_100), ("ogg_opus", 48_000), ("ogg_flac", 44_100)])
def test_a_stream_that_is_cut_from_the_middle_of_another_is_complete(name, rate, tmp_path):
    data = ogg_from_the_middle(encoded(name, 3.0), 10 * rate + 77)
    assert n_granules(io.BytesIO(data), 0) <= 3.1 * rate
    result = make_outcome(data, tmp_path)
    assert result.statistics.duration == pytest.approx(3.0, abs=0.01)
    part = make_outcome(data, tmp_path, 1.0, 2.0)
    assert part.statistics.duration == pytest.approx(1.0, abs=0.001)


def test_frames_that_an_opus_decoder_drops_are_not_missing(tmp_path):
    pages = ogg_pages(encoded("ogg_opus", 3.0))
    assert pages[0][28:36] == b"OpusHead"
    pages[0][38:40] = (48_000).to_bytes(2, "little")
    data = ogg_of(pages)
    assert n_granules(io.BytesIO(data), 0) <= 2.1 * 48_000
    assert make_outcome(data, tmp_path).statistics.duration == pytest.approx(2.0, abs=0.02)


def test_a_single_page_of_sound_is_complete_wherever_it_begins(tmp_path):
    data = ogg_from_the_middle(encoded("vorbis", 0.3), 1 << 32)
    assert n_granules(io.BytesIO(data), 0) == 0
    assert make_outcome(data, tmp_path).statistics.duration == pytest.approx(0.3, abs=0.02)


def film_without_sound() -> bytes:
    """Return a film of one second as Ogg."""
    program = find_ffmpeg()
    assert program is not None
    arguments = ["-v", "error", "-f", "lavfi", "-i", "color=s=32x32:d=1", "-c:v", "libtheora", "-f", "ogg", "pipe:1"]
    return subprocess.run([program, *arguments], stdout=subprocess.PIPE, check=True).stdout


def test_films_without_sound_in_a_chain_are_left_out(tmp_path):
    silent, sound = film_without_sound(), encoded("vorbis", 1.0)
    for chain in (sound + silent, silent + sound, silent + sound + silent + sound):
        n_seconds = float(chain.count(sound))
        assert make_outcome(chain, tmp_path).statistics.duration == pytest.approx(n_seconds, abs=0.02)
    assert make_outcome(silent + silent, tmp_path).reason is Reason.NOT_AUDIO


def test_the_granules_are_those_of_the_stream_that_is_asked_for():
    assert n_granules(io.BytesIO(encoded("vorbis", 3.0)), 0) == pytest.approx(3 * 44_100, rel=0.35)
    assert n_granules(io.BytesIO(encoded("vorbis", 3.0)), 1) == 0
    assert n_granules(io.BytesIO(b""), 0) == 0


def positioned(*pages: tuple[int, int], body: bytes = b"x") -> bytes:
    """Return Ogg pages of streams with these serial numbers at these positions."""
    return b"".join(
        (data := page(False, body))[:6] + granule.to_bytes(8, "little", signed=True) + serial.to_bytes(4) + data[18:]
        for serial, granule in pages
    )


@pytest.mark.parametrize(
    ("pages", "granules"),
    [
        ([], [0]),
        ([(7, 0)], [0, 0]),
        ([(7, 100)], [0]),
        ([(7, 0), (7, 100), (7, 300), (7, 350)], [300, 0]),  # the first page holds 50 at least
        ([(7, 0), (7, 100), (7, 130), (7, 350)], [280]),
        ([(7, 20), (7, 130)], [130]),
        ([(7, 100), (7, -1), (7, 200), (7, 150), (7, 200), (7, 300)], [300]),
        ([(7, 0), (9, 0), (9, 40), (7, 100), (9, 90), (7, 200)], [200, 90, 0]),
    ],
)
def test_the_positions_of_pages_give_the_least_number_of_granules(pages, granules):
    assert [n_granules(io.BytesIO(positioned(*pages)), index) for index in range(len(granules))] == granules


def test_a_page_that_is_cut_does_not_count():
    data = positioned((7, 100), (7, 200), (7, 300))
    assert [n_granules(io.BytesIO(data[:size]), 0) for size in (len(data), len(data) - 1)] == [300, 200]


@pytest.mark.parametrize(("name", "granules"), [(b"OpusHead", 1800 - 0x0102), (b"OpusTags", 1800)])
def test_frames_that_opus_drops_do_not_count(name, granules):
    first = positioned((7, 0), body=name + b"\x01\x02\x02\x01rest")
    assert n_granules(io.BytesIO(first + positioned((7, 600), (7, 1800), (7, 2400))), 0) == granules + 600

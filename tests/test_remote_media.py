"""A file on a server is read by ranges, from where an answer broke off, and never beyond its bounds."""

from __future__ import annotations

import io
import os
import random
import re
from pathlib import Path

import pytest
from yt_dlp.networking import Response
from yt_dlp.networking.exceptions import IncompleteRead, TransportError

from pipeline.records import Reason, Rejected
from tests.downloads import Naps
from transforms.fetching.youtube import remote_media
from transforms.fetching.youtube.remote_media import ATTEMPTS, BLOCK, RemoteMedia, SeekableMedia

DATA = random.Random(1).randbytes(3 * BLOCK + 777)


class Server:
    """Answers ranges of `data` as a server may; `cuts` are how many bytes the next answers send before they break off."""

    def __init__(self, data: bytes = DATA, cuts: tuple[int, ...] = (), has_ranges: bool = True):
        self.data, self.cuts, self.has_ranges = data, list(cuts), has_ranges
        self.asked: list[tuple[int, int]] = []
        self.length: str | None = None
        self.range: str | None = None
        self.coding = "identity"

    def __call__(self, first: int, last: int) -> Response:
        self.asked.append((first, last))
        if first >= len(self.data) and self.has_ranges:
            raise TransportError("HTTP 416")
        end = min(last + 1, len(self.data)) if self.has_ranges else len(self.data)
        body = self.data[first if self.has_ranges else 0 : end]
        headers = {"Content-Length": self.length or str(len(body)), "Content-Encoding": self.coding}
        if self.has_ranges:
            headers["Content-Range"] = self.range or f"bytes {first}-{end - 1}/{len(self.data)}"
        cut = self.cuts.pop(0) if self.cuts else len(body)
        return Response(io.BytesIO(body[:cut]), "http://host/a", headers, 206 if self.has_ranges else 200)


def media_of(server: Server, max_bytes: int = 1 << 30) -> tuple[RemoteMedia, Naps]:
    naps = Naps()
    return RemoteMedia(server, max_bytes, naps), naps


def test_a_file_is_saved_by_ranges(tmp_path, monkeypatch):
    monkeypatch.setattr(remote_media, "RANGE_BYTES", 300_000)
    server = Server()
    media, naps = media_of(server)
    assert media.save(tmp_path / "a") == len(DATA)
    assert (tmp_path / "a").read_bytes() == DATA
    assert server.asked == [(0, 299_999), (300_000, 599_999), (600_000, 899_999)]
    assert naps.seconds == []


def test_an_answer_that_breaks_off_is_continued_where_it_broke_off(tmp_path):
    server = Server(cuts=(100_000, 1, 0, 50_000))
    media, naps = media_of(server)
    media.save(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    assert [first for first, _ in server.asked] == [0, 100_000, 100_001, 100_001, 150_001]
    assert naps.seconds == [1.0, 1.0, 2.0, 1.0]


def test_a_server_that_sends_nothing_any_more_is_asked_four_times(tmp_path):
    server = Server(cuts=(100_000, 0, 0, 0, 0, 0, 0))
    media, naps = media_of(server)
    with pytest.raises(IncompleteRead):
        media.save(tmp_path / "a")
    assert len(server.asked) == ATTEMPTS
    assert naps.seconds == [1.0, 2.0, 4.0]


def test_without_ranges_the_file_comes_at_once_and_breaks_off_for_good(tmp_path):
    server = Server(has_ranges=False)
    media, _ = media_of(server)
    assert media.head() is None
    assert media.save(tmp_path / "a") == len(DATA)
    server.cuts = [5000]
    with pytest.raises(IncompleteRead):
        media.save(tmp_path / "a")
    assert len(server.asked) == 3


def test_a_length_that_is_no_number_is_none(tmp_path):
    server = Server(has_ranges=False)
    server.length = "-1"
    media, _ = media_of(server)
    assert media.save(tmp_path / "a") == len(DATA)


@pytest.mark.parametrize(
    "given",
    [
        "bytes 1-99/1000000",
        "bytes 0-1/1000000",
        "bytes 0-99/*",
        "bytes */1000000",
        "items 0-9/10",
        "bytes 9-0/5",
        "bytes 0--1/5",
        "x" * 9000,
    ],
)
def test_another_range_than_was_asked_for_is_a_fault(tmp_path, given):
    server = Server()
    server.range = given
    media, _ = media_of(server)
    with pytest.raises(TransportError, match="another part of the file"):
        media.save(tmp_path / "a")


def test_a_file_that_changes_its_size_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(remote_media, "RANGE_BYTES", 300_000)
    server = Server()
    media, _ = media_of(server)
    chunks = media.read(0, None)
    next(chunks)
    server.data = DATA + b"x"
    with pytest.raises(TransportError, match="another part"):
        list(chunks)


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path, has_ranges):
    for max_bytes, reason in ((len(DATA), None), (len(DATA) - 1, Reason.TOO_LARGE)):
        media, _ = media_of(Server(has_ranges=has_ranges), max_bytes)
        if reason is None:
            media.save(tmp_path / "a")
        else:
            with pytest.raises(Rejected) as caught:
                media.save(tmp_path / "a")
            assert caught.value.reason == reason


def test_a_file_without_an_announced_length_is_bounded_too(tmp_path):
    server = Server(has_ranges=False)
    server.length = "unknown"
    media, _ = media_of(server, 100_000)
    with pytest.raises(Rejected, match="more than 100000 bytes"):
        media.save(tmp_path / "a")
    assert (tmp_path / "a").stat().st_size <= 100_000


def test_a_compressed_file_is_refused(tmp_path):
    server = Server()
    server.coding = "gzip"
    with pytest.raises(Rejected, match="Content-Encoding 'gzip'"):
        media_of(server)[0].save(tmp_path / "a")


def test_a_full_disk_is_no_fault_of_the_file():
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.raises(OSError, match="No space left"):
        media_of(Server())[0].save(Path("/dev/full"))


def test_a_demuxer_reads_what_a_local_file_would_give_it_and_each_block_once(tmp_path):
    server = Server()
    media, _ = media_of(server)
    head = media.head()
    assert head == DATA[:BLOCK]
    remote, local = SeekableMedia(media, head), io.BytesIO(DATA)
    moves = random.Random(2)
    assert (remote.readable(), remote.seekable()) == (True, True)
    for _ in range(200):
        offset, whence = moves.choice(
            ((moves.randrange(len(DATA) + 50), os.SEEK_SET), (moves.randrange(100), os.SEEK_CUR), (-7, os.SEEK_END))
        )
        assert remote.seek(offset, whence) == local.seek(offset, whence)
        size = moves.randrange(1, 2000)
        part = remote.read(size)
        assert part == local.read(len(part))
        assert len(part) == size or remote.tell() % BLOCK == 0 or remote.tell() >= len(DATA)
    assert len(server.asked) == 4


def test_a_demuxer_that_wants_too_many_blocks_gets_no_more(monkeypatch):
    monkeypatch.setattr(remote_media, "MAX_BLOCKS", 2)
    server = Server()
    media, _ = media_of(server)
    remote = SeekableMedia(media, media.head() or b"")
    sizes = []
    for first in (0, BLOCK, 2 * BLOCK, 5):
        remote.seek(first)
        sizes.append(len(remote.read(10)))
    assert (sizes, len(server.asked)) == ([10, 10, 0, 10], 2)


def test_the_pattern_of_ranges_takes_no_numbers_without_an_end():
    assert re.fullmatch(remote_media.CONTENT_RANGE, "bytes 0-1/" + "9" * 400) is None

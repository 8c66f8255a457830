"""Only recordings with other bytes count as replaced, and only files that changed are read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.output.plan_files import read_rows_of
from pipeline.output.recordings_file import LocalFile, Recordings, read_recordings, write_recordings
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import Clip, Provenance, Reason, Recording, Rejection, Sample, ShardId
from pipeline.verbs.recordings import Replaced, find_replaced, note_recordings
from tests.outcomes import SHARD, clip, rejection, sample, write_plan, write_shard
from transforms.fetching.fetch import Fetcher
from transforms.fetching.settings import FetchSettings

A, B, PART = clip("a"), clip("b"), clip("part", url="a.wav", recording="a.wav", start=1.0)
WEB = clip("web", url="https://example.invalid/w.wav")
OTHER = ShardId("Set", "valid", 0)


class CountingFetcher(Fetcher):
    """Fetches, and writes down what it read."""

    def __call__(self, clip: Clip, work: Path) -> Recording:
        self.__dict__.setdefault("read", []).append(clip.url)
        return super().__call__(clip, work)


class Home:
    """Recordings, and a folder with a shard that was made from them."""

    def __init__(self, root: Path):
        self.root = root
        for name in "ab":
            (root / f"{name}.wav").write_bytes(name.encode() * 9)
        self.folder = Folder(str(root / "out"))
        self.fetcher = CountingFetcher(root, FetchSettings())

    def make(self, *clips: Clip, shard: ShardId = SHARD, refused: tuple[str, ...] = ()) -> Recordings:
        """Write a plan and a shard of these clips; return what is noted of them."""
        outcomes: list[Sample | Rejection] = []
        for each in clips:
            path = self.root / each.url
            provenance = Provenance(sha256=hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None)
            outcome = rejection(each, Reason.SILENT) if each.id in refused else sample(each)
            outcomes.append(replace(outcome, provenance=provenance))
        write_shard(outcomes, self.folder, shard)
        write_plan({shard: clips}, self.folder)
        return note_recordings([(shard, read_rows_of(self.folder, shard))], self.fetcher)

    def replaced(self, noted: Recordings) -> Replaced:
        return find_replaced(take_snapshot(self.folder), noted, self.fetcher)

    @property
    def read(self) -> list[str]:
        return self.fetcher.__dict__.get("read", [])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def change(path: Path, data: bytes | None = None) -> None:
    """Write other bytes, or only give the file another time."""
    if data is not None:
        path.write_bytes(data)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def test_size_and_time_of_every_local_recording_are_noted(home: Home) -> None:
    noted = home.make(A, PART, WEB, clip("gone"))
    stat = (home.root / "a.wav").stat()
    of_a = (stat.st_size, stat.st_mtime_ns)
    assert noted == Recordings(
        frozenset({SHARD}),
        (
            LocalFile(SHARD.name, A.key, "a.wav", *of_a),
            LocalFile(SHARD.name, PART.key, "a.wav", *of_a),
            LocalFile(SHARD.name, clip("gone").key, "gone.wav", -1, 0),
        ),
    )


def test_recordings_of_the_same_size_and_time_are_not_read(home: Home) -> None:
    assert home.replaced(home.make(A, B)) == {}
    assert home.read == []


def test_a_recording_with_another_time_is_read_and_equal_bytes_are_not_replaced(home: Home) -> None:
    noted = home.make(A, B)
    change(home.root / "a.wav")
    assert home.replaced(noted) == {}
    assert home.read == ["a.wav"]


def test_other_bytes_of_the_same_size_are_replaced(home: Home) -> None:
    noted = home.make(A, B)
    change(home.root / "a.wav", b"c" * 9)
    assert home.replaced(noted) == {SHARD: frozenset({A.key})}


def test_another_size_at_the_same_time_is_read(home: Home) -> None:
    noted = home.make(A, B)
    before = (home.root / "a.wav").stat().st_mtime_ns
    (home.root / "a.wav").write_bytes(b"longer than before")
    os.utime(home.root / "a.wav", ns=(before, before))
    assert home.replaced(noted) == {SHARD: frozenset({A.key})}


def test_all_clips_of_a_replaced_recording_are_replaced_and_it_is_read_once(home: Home) -> None:
    noted = home.make(A, PART, B)
    change(home.root / "a.wav", b"other")
    assert home.replaced(noted) == {SHARD: frozenset({A.key, PART.key})}
    assert home.read == ["a.wav"]


def test_a_recording_that_is_gone_was_not_replaced(home: Home) -> None:
    noted = home.make(A, B)
    (home.root / "a.wav").unlink()
    assert home.replaced(noted) == {}
    assert home.replaced(Recordings()) == {}


def test_a_recording_that_has_come_back_is_replaced(home: Home) -> None:
    noted = home.make(clip("gone"), refused=("gone",))
    (home.root / "gone.wav").write_bytes(b"here")
    assert home.replaced(noted) == {SHARD: frozenset({clip("gone").key})}


def test_a_rejected_recording_that_was_replaced_is_replaced(home: Home) -> None:
    noted = home.make(A, B, refused=("a",))
    assert home.replaced(noted) == {}
    change(home.root / "a.wav", b"other")
    assert home.replaced(noted) == {SHARD: frozenset({A.key})}


def test_without_a_note_every_local_recording_is_read(home: Home) -> None:
    home.make(A, B, WEB)
    assert home.replaced(Recordings()) == {}
    assert sorted(home.read) == ["a.wav", "b.wav"]
    (home.root / "b.wav").write_bytes(b"other")
    assert home.replaced(Recordings()) == {SHARD: frozenset({B.key})}


def test_shards_that_are_not_built_or_not_planned_are_not_looked_at(home: Home) -> None:
    noted = home.make(A)
    change(home.root / "a.wav", b"other")
    home.folder.remove(f"{SHARD}_stats.json")
    assert home.replaced(noted) == home.replaced(Recordings()) == {}
    write_shard([sample(A)], home.folder)
    write_plan({OTHER: [A]}, home.folder)
    assert home.replaced(noted) == {}
    assert home.read == []


@pytest.mark.parametrize("data", [None, b"PAR1"])
def test_a_shard_whose_books_are_missing_or_damaged_has_no_replaced_recordings(data: bytes | None, home: Home) -> None:
    noted = home.make(A)
    change(home.root / "a.wav", b"other")
    home.folder.remove(f"{SHARD}.parquet")
    if data:
        home.folder.write(f"{SHARD}.parquet", data)
    assert home.replaced(noted) == {}


def test_clips_that_are_not_in_the_books_are_not_replaced(home: Home) -> None:
    home.make(A)
    write_plan({SHARD: [A, B]}, home.folder)
    assert home.replaced(Recordings()) == {}
    assert home.read == ["a.wav"]


NOTED = Recordings(frozenset({SHARD, OTHER}), (LocalFile(SHARD.name, "a", "a.wav", 1, 2), LocalFile(OTHER.name, "b", "b.wav", 3, 4)))


def test_the_note_comes_back(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    for noted in (NOTED, Recordings(), Recordings(frozenset({OTHER}))):
        write_recordings(noted, folder)
        assert read_recordings(folder) == noted
    assert (tmp_path / ".recordings").exists()


@pytest.mark.parametrize("data", [None, b"", b"PAR1 and no more"])
def test_a_missing_or_damaged_note_is_empty(data: bytes | None, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / ".recordings").write_bytes(data)
    assert read_recordings(Folder(str(tmp_path))) == Recordings()


def test_newer_notes_take_the_place_of_those_of_the_same_shards() -> None:
    newer = Recordings(frozenset({SHARD}), (LocalFile(SHARD.name, "c", "c.wav", 5, 6),))
    assert NOTED.replaced_by(newer) == Recordings(NOTED.shards, (NOTED.files[1], newer.files[0]))
    assert NOTED.replaced_by(Recordings(frozenset({SHARD}))) == Recordings(NOTED.shards, NOTED.files[1:])


def test_notes_of_some_shards() -> None:
    assert NOTED.only([OTHER]) == Recordings(frozenset({OTHER}), NOTED.files[1:])
    assert NOTED.only([ShardId("X", "train", 0)]) == Recordings()

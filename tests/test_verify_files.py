"""Files that belong to no single shard are compared with what all shards give, fault by fault."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipeline.keys import stable_hash
from pipeline.output.digests_index import RecipeRead, write_index
from pipeline.output.equal_sounds_file import EqualSounds, write_equal_sounds
from pipeline.output.folder_readme import readme
from pipeline.output.plan_index import Plan, PlannedShard
from pipeline.output.recordings_file import Recordings, write_recordings
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from pipeline.verbs.verify_fault import BUILD, COMPARE_AGAIN, PLAN_AGAIN, REMOVE, Fault
from pipeline.verbs.verify_files import (
    check_addresses,
    check_digests,
    check_equal_sounds,
    check_names,
    check_readme,
    check_recordings,
    check_shared,
    check_sizes,
    read_equal,
)
from pipeline.verbs.verify_shard import CheckedShard
from transforms.shards.equal_sounds import Sound

FIRST, SECOND, TEST = ShardId("D", "train", 0), ShardId("D", "train", 1), ShardId("D", "test", 0)
EQUAL = "plan/equal_sounds.parquet"
BAD = Fault(FIRST, None, "x", "bad", "mend")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path))


def lines(faults: Iterable[Fault]) -> list[tuple[str | None, str | None, str, str]]:
    """Return shard, key, file and text of each fault."""
    return [(None if each.shard is None else each.shard.name, each.key, each.file, each.what) for each in faults]


def refused(folder: Folder, name: str) -> None:
    """Make a file that the disk does not give."""
    folder.remove(name)
    Path(folder.path(name)).symlink_to("/proc/self/mem")


def test_equal_sounds_are_read(folder: Folder, tmp_path: Path) -> None:
    (fault,), equal = read_equal(folder)
    assert (fault, equal) == (Fault(None, None, EQUAL, "missing: the sounds of the shards were not compared", BUILD), None)
    (tmp_path / "plan").mkdir()
    write_equal_sounds([(FIRST, "aa", "k")], "hash", tmp_path / EQUAL)
    assert read_equal(folder) == ([], EqualSounds("hash", {FIRST: (("aa", "k"),)}))
    folder.write(EQUAL, b"x")
    (fault,), equal = read_equal(folder)
    assert equal is None and fault.what.startswith("damaged: Parquet") and (fault.file, fault.remedy) == (EQUAL, COMPARE_AGAIN)
    refused(folder, EQUAL)
    (fault,), equal = read_equal(folder)
    assert equal is None and fault.what.startswith("cannot be read (") and (fault.file, fault.remedy) == (EQUAL, COMPARE_AGAIN)


CHECKED = [
    CheckedShard(TEST, (), 1, (Sound("aa", TEST, "t", "0"), Sound("bb", TEST, "u", "1")), "h0"),
    CheckedShard(FIRST, (), 1, (Sound("aa", FIRST, "a", "0"),), "h1"),
    CheckedShard(SECOND, (), 1, (Sound("bb", SECOND, "b", "0"), Sound("cc", SECOND, "c", "1")), "h2"),
]
SOUNDS = stable_hash("D/test/0 h0", "D/train/0 h1", "D/train/1 h2")
RIGHT: dict[ShardId, tuple[tuple[str, str], ...]] = {FIRST: (("aa", "t"),), SECOND: (("bb", "u"),)}
UNKNOWN, MISSING = "the books of all shards do not give this sound", "its sound is missing"
OTHER = (None, None, EQUAL, "was made from other sounds than the books of all shards have")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({FIRST: ()}, [("D/train/0", "t", EQUAL, MISSING)]),
        ({FIRST: (("aa", "t"), ("cc", "c"))}, [("D/train/0", "c", EQUAL, UNKNOWN)]),
        ({FIRST: (("aa", "x"),)}, [("D/train/0", "t", EQUAL, MISSING), ("D/train/0", "x", EQUAL, UNKNOWN)]),
        ({FIRST: (("aa", "t"),) * 2}, [("D/train/0", None, EQUAL, "has a sound twice")]),
        ({TEST: (("cc", "c"),), SECOND: ()}, [("D/test/0", "c", EQUAL, UNKNOWN), ("D/train/1", "u", EQUAL, MISSING)]),
    ],
)
def test_equal_sounds_are_those_of_all_books(change: dict[ShardId, Any], expected: list[Any]) -> None:
    faults = list(check_equal_sounds(EqualSounds(SOUNDS, RIGHT | change), CHECKED))
    assert lines(faults) == expected and {fault.remedy for fault in faults} <= {COMPARE_AGAIN}
    assert lines(check_equal_sounds(EqualSounds("x", RIGHT | change), CHECKED)) == [*expected, OTHER]


def test_equal_sounds_are_not_compared_where_books_cannot_be_read() -> None:
    assert list(check_equal_sounds(EqualSounds("x"), [*CHECKED, CheckedShard(ShardId("D", "z", 0), (), 0)])) == []


SIZES = "D/train/sizes.json"
COUNTED = [CheckedShard(FIRST, (), 3), CheckedShard(SECOND, (), 0)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"0.tar": 3, "1.tar": 0}, []),
        ({"1.tar": 0, "0.tar": 3}, [(None, None, SIZES, "its tars are not in order")]),
        ({"0.tar": 3}, [("D/train/1", None, SIZES, "1.tar is 'missing', counted 0")]),
        ({"0.tar": 4, "1.tar": 0}, [("D/train/0", None, SIZES, "0.tar is 4, counted 3")]),
        ({"0.tar": 3, "1.tar": False}, [("D/train/1", None, SIZES, "1.tar is False, counted 0")]),
        ({"0.tar": 3.0, "1.tar": 0}, [("D/train/0", None, SIZES, "0.tar is 3.0, counted 3")]),
        (
            {"x": 1, "1.tar": 1, "0.tar": 3},
            [("D/train/1", None, SIZES, "1.tar is 1, counted 0"), (None, None, SIZES, "x is 1, counted no such shard")],
        ),
        ([], [(None, None, SIZES, "is [], not the sizes of tars")]),
    ],
)
def test_sizes_are_those_of_the_tars(value: Any, expected: list[Any], folder: Folder) -> None:
    folder.write_json(SIZES, value)
    faults = list(check_sizes(folder, COUNTED))
    assert lines(faults) == expected and {fault.remedy for fault in faults} <= {BUILD}


def test_sizes_that_cannot_be_read_do_not_hide_those_of_other_splits(folder: Folder) -> None:
    checked = [*COUNTED, CheckedShard(TEST, (), 1)]
    missing = (None, None, "D/test/sizes.json", "missing")
    assert lines(check_sizes(folder, checked)) == [(None, None, SIZES, "missing"), missing]
    folder.write(SIZES, b"{")
    (first, second) = lines(check_sizes(folder, checked))
    assert first[3].startswith("cannot be read (not JSON (") and second == missing


def test_recordings_may_be_missing_but_not_damaged(folder: Folder) -> None:
    remedy = "remove .recordings: the next build reads all local recordings again"
    assert list(check_recordings(folder)) == []
    write_recordings(Recordings(), folder)
    assert list(check_recordings(folder)) == []
    folder.write(".recordings", b"x")
    (fault,) = check_recordings(folder)
    assert fault.what.startswith("damaged: Parquet") and (fault.file, fault.remedy) == (".recordings", remedy)
    refused(folder, ".recordings")
    (fault,) = check_recordings(folder)
    assert fault.what.startswith("cannot be read (") and (fault.file, fault.remedy) == (".recordings", remedy)


def test_the_readme_names_the_files_that_hold_samples(folder: Folder) -> None:
    other = Fault(None, None, "README.md", "is not what a build writes for these shards", BUILD)
    assert list(check_readme(folder, "n", COUNTED)) == [Fault(None, None, "README.md", "missing", BUILD)]
    right = readme("n", [FIRST], [FIRST, SECOND])
    folder.write("README.md", right.encode())
    assert list(check_readme(folder, "n", COUNTED)) == []
    assert list(check_readme(folder, "m", COUNTED)) == [other]
    assert list(check_readme(folder, "n", [COUNTED[0], CheckedShard(SECOND, (), 1)])) == [other]
    assert list(check_readme(folder, "n", [COUNTED[0], CheckedShard(SECOND, (BAD,), 1)])) == []
    folder.write("README.md", b"of the user")
    assert list(check_readme(folder, "n", COUNTED)) == []
    folder.remove("README.md")
    folder.write("README.md/x", b"")
    (fault,) = check_readme(folder, "n", COUNTED)
    assert fault.what == "cannot be read (it is a folder, not a file)"


@pytest.mark.parametrize(
    ("value", "what"),
    [({"k": "http://x"}, None), ([], "the content is a list, not an object"), ({"k": 1}, "the content['k'] is 1, not a string")],
)
def test_addresses_are_texts(value: Any, what: str | None, folder: Folder) -> None:
    name = "plan/addresses/D/train/0.json"
    folder.write_json(name, value)
    folder.write("plan/addresses.json", b"x")
    assert list(check_addresses(folder, folder.listing())) == ([Fault(None, None, name, f"damaged: {what}", PLAN_AGAIN)] if what else [])
    assert lines(check_addresses(folder, ["plan/addresses/gone"])) == [
        (None, None, "plan/addresses/gone", "damaged: No such file or directory")
    ]


KNOWN = (
    *("recipe.toml", "build.json", ".recordings", "report.html", "DATACARD.md", "README.md", "ATTRIBUTION.csv", "croissant.json"),
    *("removed.parquet", "plan/plan.json", "plan/rejections.parquet", EQUAL, "plan/t5_captions.parquet", "plan/t5/batch"),
    *(
        "plan/D/train/00000.parquet",
        "plan/addresses/D/train/0.json",
        SIZES,
        *(f"D/train/0{end}" for end in (".tar", ".parquet", "_stats.json")),
    ),
)
TEXTS = "plan/t5_texts.parquet"
UNFINISHED, NOT_PLANNED = "a file of a build that was not finished", "a file of a shard that is not in the plan"


def test_files_of_a_build_are_known() -> None:
    planned = [PlannedShard(FIRST, 1, "")]
    assert list(check_names(dict.fromkeys([*KNOWN, TEXTS]), planned, True)) == []
    assert list(check_names(dict.fromkeys([*KNOWN, TEXTS]), planned, False)) == [Fault(None, None, TEXTS, "no file of the plan", REMOVE)]


@pytest.mark.parametrize(
    ("name", "shard", "what", "remedy"),
    [
        ("plan.new/plan.json", None, UNFINISHED, BUILD),
        (".moved/0/D/train/0.tar", None, UNFINISHED, BUILD),
        ("plan/retired.json", None, UNFINISHED, BUILD),
        ("plan/D/train/00001.parquet", None, "no file of the plan", REMOVE),
        ("plan/t5", None, "no file of the plan", REMOVE),
        ("plan/addresses/D/train/1.json", None, "no file of the plan", REMOVE),
        ("D/train/1.tar", SECOND, NOT_PLANNED, REMOVE),
        ("D/test/0_stats.json", TEST, NOT_PLANNED, REMOVE),
        ("D/test/sizes.json", None, "no file of a build", REMOVE),
        ("notes.txt", None, "no file of a build", REMOVE),
        ("plan.newer", None, "no file of a build", REMOVE),
    ],
)
def test_other_files_are_faults(name: str, shard: ShardId | None, what: str, remedy: str) -> None:
    given = dict.fromkeys(["a", *KNOWN, name])
    first, second = check_names(given, [PlannedShard(FIRST, 1, "")], True)
    assert (first.file, second) == ("a", Fault(shard, None, name, what, remedy))


@pytest.mark.parametrize(("value", "is_damaged"), [([], False), ({"a": 1}, True), ([1], True)])
def test_a_damaged_list_of_shared_recordings_is_a_fault(value: Any, is_damaged: bool, folder: Folder) -> None:
    assert not list(check_shared(folder, folder.listing()))
    folder.write_json("plan/shared_recordings.json", value)
    assert [fault.file for fault in check_shared(folder, folder.listing())] == ["plan/shared_recordings.json"] * is_damaged


def test_digests_that_are_not_as_they_were_written_are_faults(folder: Folder) -> None:
    assert not list(check_digests(folder, folder.listing()))
    for number in range(3):
        folder.write(f"plan/digests/{number}.parquet", b"x")
    write_index(folder, Plan("f", (), {}, {}), RecipeRead("", ()), "plan")
    assert not list(check_digests(folder, folder.listing()))
    folder.write("plan/digests/1.parquet", b"y")
    folder.remove("plan/digests/2.parquet")
    assert [fault.file for fault in check_digests(folder, folder.listing())] == ["plan/digests/1.parquet", "plan/digests/2.parquet"]
    folder.write("plan/digests.json", b"[]")
    assert [fault.file for fault in check_digests(folder, folder.listing())] == ["plan/digests.json"]

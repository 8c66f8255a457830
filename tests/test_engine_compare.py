"""Every difference between two output folders is named, and what belongs to one machine is none."""

from __future__ import annotations

import json

import pytest

from tests.engine_compare import differences
from tests.fates import build_into, make_fates


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("compare")
    build_into(root / "set", make_fates(root))
    return {str(path.relative_to(root / "set")): path.read_bytes() for path in (root / "set").rglob("*") if path.is_file()}


def changed(files: dict[str, bytes], name: str, content: bytes) -> dict[str, bytes]:
    assert name in files and files[name] != content
    return files | {name: content}


def test_a_folder_is_equal_to_itself_whatever_machine_engine_and_time_built_it(files):
    marker = json.loads(files["Fates/train/0_stats.json"])
    other = changed(files, "Fates/train/0_stats.json", json.dumps(marker | {"build_seconds": {"build": 99}}).encode())
    other = changed(other, "build.json", b"{}") | {".lock": b"x", ".work/1/shard.tar": b"x"}
    assert differences(files, other) == []


def test_a_missing_file_and_one_too_many_are_named(files):
    other = {name: content for name, content in files.items() if name != "Fates/train/sizes.json"} | {"Fates/train/9.tar": b""}
    assert differences(files, other) == ["Fates/train/sizes.json: missing", "Fates/train/9.tar: not in the reference"]


def test_a_value_of_the_books_a_member_of_a_tar_and_a_count_of_a_marker_are_named(files):
    other = files | {f"Fates/train/0{kind}": files[f"Fates/train/1{kind}"] for kind in (".tar", ".parquet", "_stats.json")}
    lines = differences(files, other)
    assert [line.partition(": ")[0] for line in lines] == ["Fates/train/0.parquet", "Fates/train/0.tar", "Fates/train/0_stats.json"]
    assert ": audio_request_hash row 0: " in lines[0] and lines[0].endswith(" more") and "table-excerpt.flac None, not " in lines[1]


def test_the_same_rows_written_otherwise_are_a_difference(files):
    text = json.dumps(json.loads(files["plan/plan.json"]), indent=7).encode()
    assert differences(files, changed(files, "plan/plan.json", text)) == ["plan/plan.json: other bytes of the same content"]

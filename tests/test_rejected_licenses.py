"""`status` says which licences left rows out, in the words of the tables, and how many rows each."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.command import main
from pipeline.output.damage import DamagedFileError
from pipeline.output.plan_index import Plan
from pipeline.output.storage import Folder
from pipeline.records import Clip, Reason, Rejected, Rejection
from pipeline.verbs.rejected_licenses import rejected_licenses
from tests.outcomes import SHARD, clip, rejection, sample, write_plan, write_shard
from transforms.planning.check_licenses import check_license

ALLOWED = frozenset({"CC0-1.0", "CC-BY-4.0"})


def refused(name: str, license: str) -> Rejection:
    """Return the rejection that the planning stage makes of a clip with a licence that is not allowed."""
    given: Clip = replace(clip(name), license=license)
    with pytest.raises(Rejected) as caught:
        check_license(given, ALLOWED)
    return Rejection(given, caught.value.reason, "check_licenses", caught.value.detail)


def folder_of(path: Path, *left_out: Rejection) -> tuple[Folder, Plan]:
    folder = Folder(str(path))
    write_shard([sample(clip("a"))], folder)
    return folder, write_plan({SHARD: [clip("a")]}, folder, left_out)


def test_licences_are_counted_the_most_frequent_first(tmp_path: Path) -> None:
    odd = [refused(f"o{n}", "Attribution, Noncommercial") for n in range(3)]
    others = [refused("x", ""), refused("y", "CC-BY-NC-3.0"), refused("z", "CC-BY-NC-3.0"), rejection("n", Reason.NO_TEXT)]
    counts = rejected_licenses(*folder_of(tmp_path, *others, *odd))
    assert list(counts.items()) == [("Attribution, Noncommercial", 3), ("CC-BY-NC-3.0", 2), ("no licence given", 1)]


def test_without_such_rows_nothing_is_read(tmp_path: Path) -> None:
    folder, plan = folder_of(tmp_path, rejection("n", Reason.NO_TEXT))
    folder.write("plan/rejections.parquet", b"damaged")
    assert rejected_licenses(folder, plan) == {}
    folder, plan = folder_of(tmp_path / "other", refused("x", "odd"))
    folder.write("plan/rejections.parquet", b"damaged")
    with pytest.raises(DamagedFileError):
        rejected_licenses(folder, plan)


def test_status_shows_them_in_text_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [refused(f"k{n:02}", f"Licence {n:02}") for n in range(12)]
    folder_of(tmp_path, *many, refused("x", "Odd [red]"), refused("y", "Odd [red]"))
    assert main(["status", str(tmp_path), "--json"]) == 0
    licenses = json.loads(capsys.readouterr().out)["rejected_licenses"]
    assert list(licenses)[:2] == ["Odd [red]", "Licence 00"] and len(licenses) == 13
    assert main(["status", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "14 rows left out for their licence: Odd [red] 2, Licence 00 1," in " ".join(lines)
    assert lines[-1].endswith("and 3 licences more, see status --json"), "ten are shown"


def test_status_of_a_folder_whose_list_is_damaged_still_shows_the_books(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, _ = folder_of(tmp_path, refused("x", "Odd"))
    folder.write("plan/rejections.parquet", b"damaged")
    assert main(["status", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert "plan/rejections.parquet" in captured.err and "planned" in captured.out
    assert "pipeline" in sys.modules

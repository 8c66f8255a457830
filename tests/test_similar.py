from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import soundfile

from pipeline.command import main
from pipeline.failures import UsageError
from pipeline.output.damage import DamagedFileError
from pipeline.output.storage import Folder
from pipeline.records import SAMPLE_RATE, ShardId
from pipeline.report.html import content
from pipeline.report.html.page import make_report
from pipeline.report.similar_table import MAX_LINES, similar_lines, similar_table
from pipeline.verbs.similar import SampleSound, Similar, add_to_list, by_splits, find_similar, hold_out_list
from pipeline.verbs.status import snapshot_of
from tests.altered import coded, later
from tests.outcomes import clip, rejection, sample, write_plan, write_shard
from tests.pages import Page
from tests.test_similar_pairs import COPIES, MADE
from tests.test_similar_sounds import rumble
from transforms.audio.similar_sounds import Match

TEST, TRAIN = ShardId("A", "test", 0), ShardId("B", "train", 0)
MATCH = Match(1.5, 3.0, 0.75, 90, 40)


def sound(shard: ShardId, name: str) -> SampleSound:
    return SampleSound(shard, f"table-{name}", "table", name, f"{name}.wav", 3.0, b"")


def pair(first: str = "a", second: str = "b", shards: tuple[ShardId, ShardId] = (TEST, TRAIN)) -> Similar:
    return Similar(sound(shards[0], first), sound(shards[1], second), MATCH)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path))
    of_training = {name: clip(name, dataset="B") for name in "bcd"}
    outcomes = [
        sample(of_training["b"], "p", fingerprint=COPIES[0]),
        sample(of_training["c"], "q", fingerprint=MADE[1]),
        rejection(of_training["d"], "duplicate", "r"),
    ]
    tested = clip("a", dataset="A", split="test")
    write_shard(outcomes, folder, TRAIN)
    write_shard([sample(tested, "s", fingerprint=MADE[2])], folder, TEST)
    write_plan({TEST: [tested], TRAIN: list(of_training.values())}, folder)
    return folder


def test_the_clip_for_evaluation_comes_first_and_the_offset_is_in_its_seconds(folder: Folder) -> None:
    (each,) = find_similar(snapshot_of(folder))
    assert (each.first.id, each.second.id, each.is_leak) == ("a", "b", True)
    assert each.match.offset == pytest.approx(-0.31, abs=0.02)
    assert each.to_json()["second"] == {
        "shard": "B/train/0",
        "key": "table-b",
        "source": "table",
        "id": "b",
        "recording": "b.wav",
        "seconds": 0.5,
    }


def test_parts_of_one_recording_are_reported_only_where_they_are_a_leak(tmp_path: Path) -> None:
    folder, shards = Folder(str(tmp_path)), {}
    for shard, names in ((TRAIN, "ab"), (TEST, "c")):
        clips = [clip(name, dataset=shard.dataset, split=shard.split, recording="r.wav") for name in names]
        write_shard([sample(each, each.id, fingerprint=COPIES[0] if each.id == "a" else MADE[2]) for each in clips], folder, shard)
        shards[shard] = clips
    write_plan(shards, folder)
    assert [(each.first.id, each.second.id) for each in find_similar(snapshot_of(folder))] == [("c", "a"), ("c", "b")]


def test_a_sample_without_a_fingerprint_is_damage(folder: Folder) -> None:
    write_shard([sample(clip("a", dataset="A", split="test"), "s", fingerprint=None)], folder, TEST)  # type: ignore[arg-type]
    with pytest.raises(DamagedFileError, match="fingerprint"):
        find_similar(snapshot_of(folder))


def test_the_list_has_the_recordings_of_training_clips_and_keeps_those_that_it_had(tmp_path: Path) -> None:
    path = tmp_path / "same.csv"
    assert add_to_list(path, [pair("a", "b"), pair("a", "c,1")]) == 2
    assert add_to_list(path, [pair("a", "d"), pair("x", "y", (TRAIN, TRAIN))]) == 3
    assert [row["recording"] for row in csv.DictReader(io.StringIO(path.read_text()))] == ["b.wav", "c,1.wav", "d.wav"]
    assert add_to_list(path, []) == 3


def test_a_recording_that_is_for_evaluation_itself_is_in_no_list() -> None:
    assert hold_out_list([pair("a", "b"), pair("b", "c")]) == "recording\nc.wav\n"


def test_a_file_that_is_no_such_list_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("name = 'mine'\n")
    with pytest.raises(UsageError, match=r"recipe\.toml is no list"):
        add_to_list(path, [pair()])
    assert path.read_text() == "name = 'mine'\n"


def test_the_report_counts_pairs_by_split_and_prints_the_first() -> None:
    many = [pair(f"a{number}", f"b{number}") for number in range(MAX_LINES + 2)]
    assert by_splits(many) == {("A/test", "B/train"): MAX_LINES + 2}
    lines = list(similar_lines(many))
    assert lines[0] == "table a0 (A/test/0) = table b0 (B/train/0), 3.0 s from second 1.5, 75% of peaks"
    assert lines[-1] == "2 more pairs: --json prints all" and len(lines) == MAX_LINES + 1
    assert similar_table([]) == "no two samples of different recordings are copies"


RECIPE = """
name = "set"
similar = "{rule}"
[[sources]]
source = "table"
dataset = "A"
path = "a.csv"
[[sources]]
source = "table"
dataset = "B"
path = "b.csv"
"""


def build(folder: Path, rule: str) -> int:
    (folder / "recipe.toml").write_text(RECIPE.format(rule=rule))
    return main(["build", str(folder / "recipe.toml"), "--output", str(folder / "out")])


def samples_of(folder: Path, shard: str) -> list[str]:
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / "out" / f"{shard}.parquet").to_pylist()
    return [row["id"] if row["status"] == "sample" else f"{row['id']}: {row['reason']}, {row['detail']}" for row in rows]


@pytest.mark.slow
def test_a_build_leaves_out_what_sounds_like_a_test_clip_and_takes_it_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sounds = {"t": rumble(3, 1), "copy": coded(later(rumble(3, 1), 0.4), "mp3", "libmp3lame", 64_000), "other": rumble(3, 2)}
    for name, frames in sounds.items():
        soundfile.write(tmp_path / f"{name}.wav", frames, SAMPLE_RATE)
    (tmp_path / "a.csv").write_text("id,url,caption,split\nt,t.wav,a rumble,test\n")
    (tmp_path / "b.csv").write_text("id,url,caption,split\ncopy,copy.wav,a rumble,train\nother,other.wav,a rumble,train\n")
    assert build(tmp_path, "report") == 0
    assert sorted(samples_of(tmp_path, "B/train/0")) == ["copy", "other"]
    capsys.readouterr()
    listed = tmp_path / "same.csv"
    assert main(["similar", str(tmp_path / "out"), "--json", "--write-holdout", str(listed)]) == 1
    (each,) = json.loads(capsys.readouterr().out)
    assert (each["first"]["id"], each["second"]["id"], each["is_leak"]) == ("t", "copy", True)
    assert listed.read_text() == "recording\ncopy.wav\n"
    assert build(tmp_path, "leaks") == 0
    assert sorted(samples_of(tmp_path, "B/train/0")) == ["copy: duplicate, same sound as table-t", "other"]
    assert samples_of(tmp_path, "A/test/0") == ["t"]
    assert main(["verify", str(tmp_path / "out"), "--deep"]) == 0
    assert main(["similar", str(tmp_path / "out")]) == 0
    (tmp_path / "a.csv").write_text("id,url,caption,split\nother,other.wav,a rumble,test\n")
    assert main(["build", str(tmp_path / "recipe.toml"), "--output", str(tmp_path / "out"), "--prune"]) == 0
    assert "copy" in samples_of(tmp_path, "B/train/0")
    assert main(["verify", str(tmp_path / "out")]) == 0


def test_the_report_of_a_folder_shows_the_samples_that_sound_alike(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = snapshot_of(folder)
    shown = Page(make_report(snapshot).page).text
    assert "Samples that sound alike split other split pairs means A/test B/train 1 leak into training" in shown
    monkeypatch.setattr(content, "MAX_COMPARED", 2)
    assert "Samples were not compared by sound for this page" in Page(make_report(snapshot).page).text


def test_a_list_with_a_byte_order_mark_is_added_to(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("recording\nold\n", encoding="utf-8-sig")
    assert add_to_list(tmp_path / "list.csv", [pair()]) == 2

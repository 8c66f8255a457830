"""Whatever happens to a table, its recordings or a folder: no sample that stands goes unless the user asks for it."""

from __future__ import annotations

import csv
import hashlib
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile

from pipeline.command import main
from pipeline.failures import EngineError
from pipeline.output.markers import Marker
from pipeline.output.ownership import ForeignFilesError
from pipeline.output.plan_change import DroppedSamplesError
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import Outcome, build
from pipeline.verbs.changes import NO_CHANGES, Changes
from pipeline.verbs.rounds import LEFT_AS_IT_IS
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import published, tone, unwatched
from transforms.shards import build_shards
from transforms.shards.publish_shard import publish

N_CLIPS = 7
SHARD_FILES = [f"{n}{ending}" for n in (0, 1) for ending in (".tar", ".parquet", "_stats.json")]
RECIPE = """
name = "standing"
shard_size = {shard_size}

[[sources]]
source = "table"
dataset = "{dataset}"
path = "clips.csv"
"""


class Set:
    """A table of clips with recordings, and the folder that it is built into."""

    def __init__(self, root: Path, written: bool = False):
        self.root, self.output = root, root / "out"
        self.recipe = root / "recipe.toml"
        self.rows = [[f"clip-{n}", f"{n}.wav", f"Sound {n}.", "test" if n == 3 else "train"] for n in range(N_CLIPS)]
        if written:
            return
        for n in range(N_CLIPS):
            soundfile.write(root / f"{n}.wav", tone(200 + 50 * n, 0.05, 8000), 8000, subtype="PCM_16")
        self.save()

    def save(self, dataset: str = "Set", shard_size: int = 3, audio: str = "") -> None:
        with (self.root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["id", "url", "caption", "split"], *self.rows])
        self.recipe.write_text(RECIPE.format(dataset=dataset, shard_size=shard_size) + audio)

    def build(self, changes: Changes = NO_CHANGES, limit: int | None = None, output: Path | None = None) -> Outcome:
        folder = Folder(str(output or self.output))
        return build(load_recipe(str(self.recipe)), folder, limit, EagerEngine(), unwatched, changes=changes)

    def lose_recordings(self) -> None:
        for path in self.root.glob("*.wav"):
            path.unlink()

    def files(self) -> dict[str, str]:
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(self.output.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    assert Set(root).build().books.total.samples == N_CLIPS
    return root


@pytest.fixture
def clips(built: Path, tmp_path: Path) -> Set:
    """A copy of `built` whose recipe.toml names the copied recordings."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    recipe = tmp_path / "out" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace(str(built), str(tmp_path)))
    return Set(tmp_path, written=True)


def test_a_copy_of_a_set_has_nothing_to_do(clips: Set) -> None:
    assert clips.build().n_built == 0


def cut(clips: Set) -> None:
    del clips.rows[2:]
    clips.save()


def other_ids(clips: Set) -> None:
    clips.rows = [[f"other-{n}", *row[1:]] for n, row in enumerate(clips.rows)]
    clips.save()


def other_recipe(clips: Set) -> None:
    clips.rows = [[f"new-{n}", f"{n}.wav", "New.", "train"] for n in range(2)]
    clips.save(dataset="New")


SMALLER: list[Callable[[Set], None]] = [cut, other_ids, other_recipe]


@pytest.mark.parametrize("edit", SMALLER)
@pytest.mark.parametrize("recordings", [True, False])
def test_rows_that_are_gone_end_the_build_before_anything_changes(edit: Callable[[Set], None], recordings: bool, clips: Set) -> None:
    before = clips.files()
    edit(clips)
    if not recordings:
        clips.lose_recordings()
    for _ in range(2):  # also when the refused command is given again
        with pytest.raises(DroppedSamplesError, match=r"would remove \d samples \(0\.\d seconds\) from \d shards; nothing was changed"):
            clips.build()
        assert clips.files() == before


@pytest.mark.parametrize("edit", SMALLER)
def test_prune_gives_what_a_build_from_nothing_gives(edit: Callable[[Set], None], clips: Set) -> None:
    edit(clips)
    assert clips.build(Changes(prune=True)).missing == ()
    clips.build(output=clips.root / "from-nothing")
    assert {path.name for path in clips.output.iterdir()} >= {path.name for path in (clips.root / "from-nothing").iterdir()}
    assert not (clips.output / ".moved").exists()
    assert not (clips.output / "plan" / "retired.json").exists()
    assert list(verify(Folder(str(clips.output)), deep=True)) == []


def test_a_limit_removes_nothing(clips: Set) -> None:
    before = clips.files()
    with pytest.raises(DroppedSamplesError, match="would remove 5 samples"):
        clips.build(limit=2)
    assert clips.files() == before


def test_the_command_says_what_would_go_and_ends_with_two(clips: Set, capsys: pytest.CaptureFixture) -> None:
    cut(clips)
    assert main(["build", str(clips.recipe), "--output", str(clips.output)]) == 2
    assert "5 samples" in (printed := capsys.readouterr().err) and "--prune" in printed
    assert main(["plan", str(clips.recipe), "--output", str(clips.output)]) == 2
    assert "5 samples" in capsys.readouterr().err
    assert main(["build", str(clips.recipe), "--output", str(clips.output), "--prune"]) == 0


def test_rows_that_get_a_reason_need_no_flag(clips: Set) -> None:
    clips.recipe.write_text('holdout = ["Set:test"]\n' + clips.recipe.read_text())
    clips.rows.append(["clip-9", "3.wav", "A part of the held out recording.", "train"])
    clips.rows[0][2] = ""  # no text
    with (clips.root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "url", "caption", "split"], *clips.rows])
    outcome = clips.build()
    assert outcome.missing == () and outcome.books.total.samples == N_CLIPS - 1


@pytest.mark.parametrize("dataset", ["Set", "Renamed"])
def test_clips_that_move_are_copied_also_without_recordings(dataset: str, clips: Set) -> None:
    for row in clips.rows:
        row[3] = {"train": "valid", "test": "train"}[row[3]]
    clips.save(dataset)
    clips.build(output=clips.root / "from-nothing")
    clips.lose_recordings()
    assert clips.build().missing == ()
    assert published(clips.output) == published(clips.root / "from-nothing")
    assert not (clips.output / ".moved").exists()


def test_shards_that_close_a_gap_are_copied_without_recordings(clips: Set) -> None:
    shard = {path.stem for path in (clips.output / "Set/train").glob("*.tar")}
    assert shard == {"0", "1"}
    first = set(pq.read_table(clips.output / "Set/train/0.parquet")["id"].to_pylist())
    clips.rows = [row for row in clips.rows if row[0] not in first]
    clips.save()
    clips.lose_recordings()
    outcome = clips.build(Changes(prune=True))
    assert outcome.missing == () and outcome.books.total.samples == N_CLIPS - len(first)


def test_reshard_equals_a_build_from_nothing_and_needs_no_recordings(clips: Set) -> None:
    clips.save(shard_size=2)
    (note,) = clips.build().notes
    assert "shard_size = 2 holds for new shards; 3 shards keep" in note and "--reshard" in note
    clips.build(output=clips.root / "from-nothing")
    clips.lose_recordings()
    outcome = clips.build(Changes(reshard=True))
    assert outcome.missing == () and outcome.notes == ()
    assert published(clips.output) == published(clips.root / "from-nothing")


@pytest.mark.parametrize("lost", ["0_stats.json", "plan.json", "both"])
def test_a_lost_marker_or_plan_costs_no_sample(lost: str, clips: Set) -> None:
    before = published(clips.output)
    for path in clips.output.rglob("*"):
        if path.name == lost or (lost == "both" and path.name in {"0_stats.json", "plan.json"}):
            path.unlink()
    clips.lose_recordings()
    assert clips.build().missing == ()
    assert published(clips.output) == before


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"format": 5}', b"\xff\xfe", b'{"format": 5, "shards": {"x": 1}}'])
def test_a_damaged_plan_or_marker_costs_no_sample(damage: bytes, clips: Set) -> None:
    before = published(clips.output)
    (clips.output / "plan/plan.json").write_bytes(damage)
    (clips.output / "Set/train/0_stats.json").write_bytes(damage)
    clips.lose_recordings()
    assert clips.build().missing == ()
    assert published(clips.output) == before


@pytest.mark.parametrize("with_marker", [True, False])
def test_without_books_and_recordings_a_tar_stays(with_marker: bool, clips: Set) -> None:
    (clips.output / "Set/train/0.parquet").unlink()
    if not with_marker:
        (clips.output / "Set/train/0_stats.json").unlink()
    tar = (clips.output / "Set/train/0.tar").read_bytes()
    clips.lose_recordings()
    outcome = clips.build()
    assert outcome.missing and "Set/train/0" in outcome.missing[0]
    assert (clips.output / "Set/train/0.tar").read_bytes() == tar
    assert clips.build(Changes(prune=True)).missing == ()


def test_samples_are_not_lost_to_new_settings_while_the_recordings_are_away(clips: Set) -> None:
    before = clips.files()
    clips.save(audio="[audio]\nmin_seconds = 0.01\n")
    (clips.root / "away").mkdir()
    for path in clips.root.glob("*.wav"):
        path.rename(clips.root / "away" / path.name)
    outcome = clips.build()
    assert all(line.endswith(LEFT_AS_IT_IS) for line in outcome.missing) and len(outcome.missing) == 3 and outcome.n_built == 0
    assert {name: digest for name, digest in clips.files().items() if name.endswith(".tar")}.items() <= before.items()
    for path in (clips.root / "away").glob("*.wav"):
        path.rename(clips.root / path.name)
    assert clips.build().missing == ()


@pytest.mark.parametrize("name", ["AudioCaps/train/0.tar", "backup/2024/photo.jpg", "Set/train/0.tar", "0.tar", "plan/notes.txt"])
def test_a_folder_with_files_of_others_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    clips = Set(tmp_path)
    path = clips.output / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not ours")
    with pytest.raises(ForeignFilesError, match="holds files that no build made"):
        clips.build()
    assert path.read_bytes() == b"not ours"


def test_files_of_others_in_our_folder_stay(clips: Set) -> None:
    theirs = [clips.output / name for name in ("Other/train/0.tar", "Set/valid/0.tar", "Set/train/notes.txt", "photo.jpg")]
    theirs += [clips.output / name for name in ("plan/notes.txt", ".moved/a.jpg", "stats/2024/7_stats.json", "stats/2024/7.parquet")]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not ours")
    cut(clips)
    clips.build(Changes(prune=True))
    assert all(path.read_bytes() == b"not ours" for path in theirs)
    clips.rows[0][3] = "valid"
    clips.save()
    with pytest.raises(ForeignFilesError, match=r"Set/valid/0\.tar: a file of this name stands there"):
        clips.build()
    assert (clips.output / "Set/valid/0.tar").read_bytes() == b"not ours"


def test_an_empty_folder_and_one_with_files_of_the_system_are_built_into(tmp_path: Path) -> None:
    clips = Set(tmp_path)
    clips.output.mkdir()
    (clips.output / ".DS_Store").write_bytes(b"")
    assert clips.build().missing == ()


def test_a_dataset_folder_on_another_disk_is_built_into(clips: Set) -> None:
    elsewhere = Path("/dev/shm") / f"laion-audio-{clips.root.name}"
    shutil.move(clips.output / "Set", elsewhere)
    try:
        (clips.output / "Set").symlink_to(elsewhere)
        for row in clips.rows:
            row[2] = f"Another {row[2]}"
        clips.save()
        assert clips.build().missing == ()
        assert sorted(path.name for path in (elsewhere / "train").iterdir()) == sorted([*SHARD_FILES, "sizes.json"])
    finally:
        shutil.rmtree(elsewhere)


def killed(clips: Set, splits: set[str], monkeypatch: pytest.MonkeyPatch, changes: Changes = NO_CHANGES) -> None:
    """Build, and fail before a shard of one of the splits is published."""
    with monkeypatch.context() as patched:

        def fail(marker: Marker, work: Path, folder: Folder) -> None:
            if marker.shard.split in splits:
                raise OSError("killed")
            publish(marker, work, folder)

        patched.setattr(build_shards, "publish", fail)
        with pytest.raises(EngineError):
            clips.build(changes)


def test_a_sample_that_an_interrupted_build_holds_goes_only_when_it_is_asked_for(clips: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    clips.rows[0][3] = "valid"
    clips.save()
    clips.lose_recordings()
    killed(clips, {"valid"}, monkeypatch)
    row = clips.rows.pop(0)
    clips.save()
    with pytest.raises(DroppedSamplesError, match="would remove 1 samples"):
        clips.build()
    clips.rows.insert(3, [*row[:3], "test"])  # and to a third shard
    clips.save()
    outcome = clips.build()
    assert outcome.missing == () and outcome.books.total.samples == N_CLIPS
    assert list(verify(Folder(str(clips.output)), deep=True)) == []


def test_a_retired_shard_comes_back_after_its_removal_was_interrupted(clips: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = clips.rows
    clips.rows = [row for row in rows if row[3] == "train"]
    clips.save()
    remove = Folder.remove

    def fail(folder: Folder, name: str) -> None:
        if name == "Set/test/0.tar":
            raise OSError("killed")
        remove(folder, name)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="killed"):
        patched.setattr(Folder, "remove", fail)
        clips.build(Changes(prune=True))
    clips.rows = rows
    clips.save()
    assert clips.build().missing == ()


@pytest.mark.parametrize("noted", [True, False])
def test_a_moved_clip_whose_recording_was_replaced_gets_the_new_sound(noted: bool, clips: Set) -> None:
    if not noted:
        (clips.output / ".recordings").unlink()
    for n, row in enumerate(clips.rows):
        soundfile.write(clips.root / f"{n}.wav", tone(900 + 50 * n, 0.05, 8000), 8000, subtype="PCM_16")
        row[3] = {"train": "valid", "test": "train"}[row[3]]
    clips.save()
    clips.build()
    clips.build(output=clips.root / "from-nothing")
    assert published(clips.output) == published(clips.root / "from-nothing")


def two_datasets(clips: Set, names: tuple[str, str], split: str) -> None:
    """Write a recipe of two datasets whose clips have the same ids and other recordings."""
    sources = []
    for name, part in zip(names, (clips.rows[:3], clips.rows[3:6]), strict=True):
        rows = [[f"clip-{n}", *row[1:3], split] for n, row in enumerate(part)]
        path = clips.root / f"{part[0][0]}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["id", "url", "caption", "split"], *rows])
        sources.append(f'[[sources]]\nsource = "table"\ndataset = "{name}"\npath = "{path.name}"\n')
    clips.recipe.write_text('name = "two"\nshard_size = 2\n' + "".join(sources))


def sounds(output: Path) -> set[tuple[str, str, str, str]]:
    """Return dataset, key, address and sound of every sample."""
    rows = [row for path in output.glob("*/*/*.parquet") if path.parts[-3] != "plan" for row in pq.read_table(path).to_pylist()]
    return {(row["dataset"], row["key"], row["url"], row["pcm_sha256"]) for row in rows if row["status"] == "sample"}


@pytest.mark.parametrize("names, split", [(("B", "A"), "train"), (("A", "B"), "valid"), (("C", "D"), "train"), (("B", "C"), "train")])
def test_datasets_that_share_ids_move_without_recordings_and_without_mixing(names: tuple[str, str], split: str, tmp_path: Path) -> None:
    clips = Set(tmp_path)
    two_datasets(clips, ("A", "B"), "train")
    clips.build()
    two_datasets(clips, names, split)
    clips.build(output=tmp_path / "from-nothing")
    clips.lose_recordings()
    assert clips.build().missing == ()
    assert sounds(clips.output) == sounds(tmp_path / "from-nothing") and len(sounds(clips.output)) == 6


def flip(path: Path, *places: int) -> None:
    data = bytearray(path.read_bytes())
    for at in places:
        data[at] ^= 0xFF
    path.write_bytes(data)


def test_damaged_headers_of_a_tar_cost_no_sample_without_recordings(clips: Set) -> None:
    tar = clips.output / "Set/train/0.tar"
    with tarfile.open(tar) as opened:
        headers = [member.offset for member in opened]
    before = tar.read_bytes()
    clips.lose_recordings()
    for places in (*([at] for at in headers), headers):
        flip(tar, *(at + 20 for at in places))
        outcome = clips.build(Changes(repair=True))
        assert outcome.missing == () and outcome.books.total.samples == N_CLIPS
        assert tar.read_bytes() == before


def test_a_repair_that_needs_recordings_says_so(clips: Set) -> None:
    flip(clips.output / "Set/train/0.parquet", 900)
    tar = (clips.output / "Set/train/0.tar").read_bytes()
    clips.lose_recordings()
    (line,) = clips.build(Changes(repair=True)).missing
    assert line.startswith("Set/train/0: left as it is")
    assert (clips.output / "Set/train/0.tar").read_bytes() == tar


def test_a_replaced_recording_is_noticed_after_its_shard_was_left_as_it_was(clips: Set) -> None:
    keys = pq.read_table(clips.output / "Set/train/0.parquet")["id"].to_pylist()
    first, second = (next(row for row in clips.rows if row[0] == key) for key in keys[:2])
    soundfile.write(clips.root / first[1], tone(1200, 0.05, 8000), 8000, subtype="PCM_16")
    second[1] = "later.wav"
    clips.save()
    assert clips.build().missing
    soundfile.write(clips.root / "later.wav", tone(1500, 0.05, 8000), 8000, subtype="PCM_16")
    assert clips.build().missing == ()
    clips.build(output=clips.root / "from-nothing")
    assert published(clips.output) == published(clips.root / "from-nothing")

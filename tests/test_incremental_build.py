"""After any edits of a table an incremental build equals a new build, also when it is killed and run again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import soundfile

from pipeline.failures import EngineError
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import Outcome, build
from pipeline.verbs.changes import Changes
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import published, tone, unwatched

COLUMNS = ["id", "url", "caption", "split"]
SPLITS = ("train", "train", "train", "valid", "test")
N_SOUNDS = 6  # few, so that clips often sound alike
RECIPE = """
name = "edits"
shard_size = 3

[[sources]]
source = "table"
dataset = "{dataset}"
path = "clips.csv"
"""


@dataclass
class Table:
    """A table that is edited, with its recordings; `random` draws what an edit changes."""

    root: Path
    random: random.Random
    rows: list[list[str]] = field(default_factory=list)
    dataset: str = "Edits"
    n_made: int = 0

    def record(self, name: str, sound: int) -> None:
        """Write a sound to a recording."""
        soundfile.write(self.root / name, tone(200 + 50 * sound, 0.05, 8000), 8000, subtype="PCM_16")

    def add(self) -> None:
        """Add clips, some of which sound like others."""
        for _ in range(self.random.randint(1, 4)):
            name = f"{self.n_made}.wav"
            self.n_made += 1
            self.record(name, self.random.randrange(N_SOUNDS))
            self.rows.append([f"clip-{self.n_made}", name, f"Caption {self.n_made}.", self.random.choice(SPLITS)])

    def remove(self) -> None:
        """Remove clips; a clip that was left out as equal to one of them comes back."""
        for _ in range(min(self.random.randint(1, 3), len(self.rows) - 1)):
            self.rows.pop(self.random.randrange(len(self.rows)))

    def reorder(self) -> None:
        """Change the order of the rows."""
        self.random.shuffle(self.rows)

    def caption(self) -> None:
        """Change the text of some clips."""
        for row in self.random.sample(self.rows, min(3, len(self.rows))):
            row[2] = f"Text {self.random.random()}."

    def replace_audio(self) -> None:
        """Write other sounds to the same paths."""
        for row in self.random.sample(self.rows, min(2, len(self.rows))):
            self.record(row[1], self.random.randrange(N_SOUNDS))

    def move_audio(self) -> None:
        """Give a row the recording of another row."""
        self.random.choice(self.rows)[1] = self.random.choice(self.rows)[1]

    def swap_splits(self) -> None:
        """Exchange the splits of two clips."""
        first, second = self.random.choice(self.rows), self.random.choice(self.rows)
        first[3], second[3] = second[3], first[3]

    def rename(self) -> None:
        """Give the dataset another name."""
        self.dataset = self.random.choice(("Edits", "Renamed"))

    def save(self) -> Path:
        """Write table and recipe; return the recipe's path."""
        with (self.root / "clips.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *self.rows])
        (self.root / "recipe.toml").write_text(RECIPE.format(dataset=self.dataset))
        return self.root / "recipe.toml"


EDITS: list[Callable[[Table], None]] = [
    Table.add,
    Table.remove,
    Table.reorder,
    Table.caption,
    Table.replace_audio,
    Table.move_audio,
    Table.swap_splits,
    Table.rename,
]


def build_eagerly(output: Path, recipe: Path, prune: bool = True) -> Outcome:
    return build(load_recipe(str(recipe)), Folder(str(output)), None, EagerEngine(), unwatched, changes=Changes(prune=prune))


def samples(output: Path) -> set[tuple[str, ...]]:
    """Return (id, dataset, split, text, hash of the frames) of every sample in the tars of a folder."""
    rows = set()
    for path in output.glob("*/*/*.tar"):
        with tarfile.open(path) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        for name, data in members.items():
            if name.endswith(".json"):
                frames, _ = soundfile.read(io.BytesIO(members[name.removesuffix("json") + "flac"]), dtype="int16")
                sample = json.loads(data)
                pcm = hashlib.sha256(frames.tobytes()).hexdigest()
                original = sample["original_data"]
                rows.add((original["id"], path.parent.parent.name, original["split"], *sample["text"], pcm))
    return rows


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 32))])
def test_an_incremental_build_equals_a_build_from_nothing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    table = Table(tmp_path, chance)
    for _ in range(3):
        table.add()
    build_eagerly(tmp_path / "out", table.save())
    for step in range(1 + seed % 2):
        for edit in chance.sample(EDITS, chance.randint(1, 3)):
            edit(table)
        recipe = table.save()
        outcome = build_eagerly(tmp_path / "out", recipe)
        build_eagerly(tmp_path / f"from-nothing-{step}", recipe)
        assert samples(tmp_path / "out") == samples(tmp_path / f"from-nothing-{step}")
        assert outcome.books.balance and outcome.missing == ()
    assert list(verify(Folder(str(tmp_path / "out")), deep=True)) == []


@pytest.mark.parametrize("edit", [Table.reorder, Table.caption, Table.replace_audio])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_edits_that_neither_add_nor_remove_clips_give_the_same_bytes(edit: Callable[[Table], None], seed: int, tmp_path: Path) -> None:
    table = Table(tmp_path, random.Random(seed))
    for _ in range(5):
        table.add()
    build_eagerly(tmp_path / "out", table.save())
    for _ in range(2):
        edit(table)
    recipe = table.save()
    build_eagerly(tmp_path / "out", recipe)
    build_eagerly(tmp_path / "from-nothing", recipe)
    assert published(tmp_path / "out") == published(tmp_path / "from-nothing")


class Killed(BaseException):
    """Raised to end a build like a kill: after it the folder does not change."""


@pytest.fixture
def kill_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], list[str]]:
    """Return a function that allows at most `n_changes` changes of folders from now on (`None`: any number); it returns their list."""
    changes: list[str] = []
    limit: list[int | None] = [None]

    def counted(name: str, change: Callable) -> Callable:
        def run(*args: object, **kwargs: object) -> object:
            if limit[0] is not None and len(changes) >= limit[0]:
                raise Killed
            changes.append(name)
            return change(*args, **kwargs)

        return run

    for owner, name in (
        (Path, "replace"),
        (Path, "rmdir"),
        (Folder, "copy"),
        (Folder, "remove"),
        (Folder, "remove_below"),
    ):
        monkeypatch.setattr(owner, name, counted(name, getattr(owner, name)))

    def allow(n_changes: int | None) -> list[str]:
        limit[0] = n_changes
        changes.clear()
        return changes

    return allow


def _edit_everything(table: Table) -> None:
    table.rows.pop(0)
    table.rows[-1][2] = "Another text."
    table.record("3.wav", 5)


def _move_clips_and_lose_their_recordings(table: Table) -> None:
    table.rows[1][3], table.rows[2][3] = "test", "valid"
    table.rows[3][2] = "Another text."
    for path in table.root.glob("*.wav"):
        path.unlink()


@pytest.mark.parametrize("edit", [_edit_everything, _move_clips_and_lose_their_recordings])
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow, id="every change"), pytest.param(5, id="every fifth change")])
def test_a_kill_at_every_change_of_the_folder_changes_nothing(
    step: int, edit: Callable[[Table], None], tmp_path: Path, kill_after: Callable[[int | None], list[str]]
) -> None:
    table = Table(tmp_path, random.Random(5))
    for n, split in enumerate(("test", "train", "train", "train")):
        table.record(f"{n}.wav", n // 2)  # the first two sound alike, and the last two
        table.rows.append([f"clip-{n}", f"{n}.wav", f"Sound {n}.", split])
    build_eagerly(tmp_path / "before", table.save())
    edit(table)
    recipe = table.save()
    shutil.copytree(tmp_path / "before", tmp_path / "undisturbed")
    changes = kill_after(None)
    build_eagerly(tmp_path / "undisturbed", recipe)
    n_changes, wanted = len(changes), published(tmp_path / "undisturbed")
    assert n_changes > 20
    for n in range(0, n_changes, step):
        kill_after(None)
        output = tmp_path / f"killed-{n}"
        shutil.copytree(tmp_path / "before", output)
        kill_after(n)
        with pytest.raises((Killed, EngineError)):
            build_eagerly(output, recipe)
        kill_after(None)
        assert build_eagerly(output, recipe).missing == ()
        assert published(output) == wanted, f"killed before change {n}"
        assert not (output / ".moved").exists()
        shutil.rmtree(output)


def test_a_clip_becomes_a_sample_when_its_equal_is_removed(tmp_path: Path) -> None:
    table = Table(tmp_path, random.Random(0))
    for name, split in (("a", "test"), ("b", "train")):
        table.record(f"{name}.wav", 0)
        table.rows.append([name, f"{name}.wav", f"Sound {name}.", split])
    first = build_eagerly(tmp_path / "out", table.save())
    assert {sample[0] for sample in samples(tmp_path / "out")} == {"a"} and first.books.total.reasons == {"duplicate": 1}
    table.rows.pop(0)
    second = build_eagerly(tmp_path / "out", table.save())
    assert {sample[0] for sample in samples(tmp_path / "out")} == {"b"} and second.books.total.samples == 1


def test_new_times_of_recordings_with_the_same_bytes_make_nothing_again(tmp_path: Path) -> None:
    table = Table(tmp_path, random.Random(1))
    table.add()
    recipe = table.save()
    build_eagerly(tmp_path / "out", recipe)
    for path in tmp_path.glob("*.wav"):
        path.touch()
    assert build_eagerly(tmp_path / "out", recipe).n_built == 0


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_recording_replaced_in_an_audio_root_is_noticed(packed: bool, tmp_path: Path) -> None:
    table = Table(tmp_path, random.Random(1))
    (tmp_path / "root").mkdir()
    table.rows.append(["one", "https://example.invalid/one.wav", "One.", "train"])
    recipe = table.save()
    results = []
    for sound in (1, 2):
        table.record("root/one.wav", sound)
        shutil.make_archive(str(tmp_path / "root"), "zip", tmp_path / "root")
        recipe.write_text(f'{RECIPE.format(dataset="Edits")}audio_root = "{"root.zip" if packed else "root"}"\n')
        build_eagerly(tmp_path / "out", recipe)
        build_eagerly(tmp_path / f"from-nothing-{sound}", recipe)
        results.append(samples(tmp_path / "out"))
        assert results[-1] == samples(tmp_path / f"from-nothing-{sound}")
    assert results[0] != results[1]


def test_equal_sounds_that_are_not_those_of_the_books_are_a_fault(tmp_path: Path) -> None:
    table = Table(tmp_path, random.Random(3))
    for n, split in enumerate(("test", "train", "train")):
        table.record(f"{n}.wav", 0)
        table.rows.append([f"clip-{n}", f"{n}.wav", f"Sound {n}.", split])
    build_eagerly(tmp_path / "out", table.save())
    folder = Folder(str(tmp_path / "out"))
    assert list(verify(folder, deep=False)) == []
    folder.remove("plan/equal_sounds.parquet")
    assert [str(fault) for fault in verify(folder, deep=False)] == [
        "plan/equal_sounds.parquet: missing: the sounds of the shards were not compared; run the same build again"
    ]
    build_eagerly(tmp_path / "out", table.save())
    assert list(verify(folder, deep=False)) == []

"""After any series of builds, retries, edits and kills over hosts that fail, tars and books are those of a build from nothing."""

from __future__ import annotations

import contextlib
import csv
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import soundfile

import pipeline.verbs.build_record as build_record
from pipeline.failures import EngineError
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import TRANSIENT, Clip, Reason, Recording, Rejected
from pipeline.verbs.build import Outcome, build
from pipeline.verbs.changes import Changes
from pipeline.verbs.recaption import recaption
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import published, tone, unwatched
from tests.test_paused import MoodyHandler
from transforms.fetching.fetch import Fetcher, Handler
from transforms.fetching.folders import LocalFolders
from transforms.fetching.settings import FetchSettings

COLUMNS = ["id", "url", "caption", "split"]
SPLITS = ("train", "train", "train", "valid", "test")
MOODS = (*sorted(TRANSIENT), Reason.NOT_FOUND, Reason.FORBIDDEN)
N_SOUNDS = 5  # few, so that clips often sound alike
RECIPE = """
name = "moods"
shard_size = 3
[audio]
min_seconds = {min_seconds}
[[sources]]
source = "table"
dataset = "Moods"
path = "clips.csv"
"""


class SecretHandler(MoodyHandler):
    """Gives a recording whose address has a secret only for the full address."""

    def fetch(self, clip: Clip, work: Path) -> Recording:
        path, _, query = clip.url.partition("?")
        if "masked" in query:
            with (self.base / "asked-in-vain").open("a") as asked:
                asked.write(f"{clip.url}\n")
            raise Rejected(Reason.FORBIDDEN, "the token is wrong")
        return super().fetch(replace(clip, url=path), work)


def handlers(folders: LocalFolders, settings: FetchSettings) -> tuple[Handler, ...]:
    return (SecretHandler(folders.base),)


class Killed(BaseException):
    """Raised to end a build like a kill: after it the folder does not change."""


@dataclass
class Trial:
    """A table of recordings of hosts with moods, and the output folder of its builds; `random` draws what happens."""

    home: Path
    random: random.Random
    rows: list[list[str]] = field(default_factory=list)
    min_seconds: float = 0.0
    n_made: int = 0

    def add(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            name = f"{self.n_made}.wav"
            self.n_made += 1
            seconds = self.random.choice((0.05, 0.05, 0.1))
            soundfile.write(self.home / name, tone(200 + 50 * self.random.randrange(N_SOUNDS), seconds, 8000), 8000, subtype="PCM_16")
            secret = f"?token=secret{self.n_made}" if self.random.random() < 0.3 else ""
            url = f"https://{self.random.choice('abc')}.example/{name}{secret}"
            self.rows.append([f"c{self.n_made}", url, f"Sound {self.n_made}.", self.random.choice(SPLITS)])

    def remove(self) -> None:
        for _ in range(min(2, len(self.rows) - 1)):
            self.rows.pop(self.random.randrange(len(self.rows)))

    def caption(self) -> None:
        for row in self.random.sample(self.rows, min(3, len(self.rows))):
            row[2] = f"Text {self.random.randrange(1000)}."

    def move_audio(self) -> None:
        self.random.choice(self.rows)[1] = self.random.choice(self.rows)[1]

    def swap_splits(self) -> None:
        first, second = self.random.choice(self.rows), self.random.choice(self.rows)
        first[3], second[3] = second[3], first[3]

    def settings(self) -> None:
        self.min_seconds = self.random.choice((0.0, 0.01, 0.08))

    def moods(self, share: float = 0.4) -> None:
        """Give some recordings a mood, all others none."""
        for path in self.home.glob("*.mood"):
            path.unlink()
        for path in self.home.glob("*.wav"):
            if self.random.random() < share:
                (self.home / f"{path.name}.mood").write_text(self.random.choice(MOODS))

    def save(self) -> Path:
        with (self.home / "clips.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *self.rows])
        (self.home / "recipe.toml").write_text(RECIPE.format(min_seconds=self.min_seconds))
        return self.home / "recipe.toml"

    def build(self, output: str = "out", **changes: object) -> Outcome:
        recipe = load_recipe(str(self.save()))
        folder = Folder(str(self.home / output))
        return build(recipe, folder, None, EagerEngine(), unwatched, changes=Changes(**changes))  # type: ignore[arg-type]

    def recaption(self) -> None:
        recaption(load_recipe(str(self.save())), Folder(str(self.home / "out")), EagerEngine(), unwatched)

    def samples(self) -> int:
        snapshot = take_snapshot(Folder(str(self.home / "out")))
        return sum(marker.n_samples for marker in snapshot.markers.values())


EDITS: list[Callable[[Trial], None]] = [Trial.add, Trial.remove, Trial.caption, Trial.move_audio, Trial.swap_splits, Trial.settings]


@pytest.fixture
def kill_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Return a function that allows at most `n_changes` changes of folders from now on; `None`: any number."""
    left: list[int | None] = [None]

    def counted(change: Callable) -> Callable:
        def run(*args: object, **kwargs: object) -> object:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
            return change(*args, **kwargs)

        return run

    for owner, name in ((Path, "replace"), (Path, "rmdir"), (Folder, "copy"), (Folder, "remove"), (Folder, "remove_below")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))

    def allow(n_changes: int | None) -> None:
        left[0] = n_changes

    return allow


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 35))])
def test_a_series_of_builds_over_failing_hosts_ends_as_a_build_from_nothing(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_after: Callable[[int | None], None]
) -> None:
    monkeypatch.setattr(build_record, "Fetcher", lambda base, settings, folders: Fetcher(base, settings, handlers, folders))
    chance = random.Random(seed)
    trial = Trial(tmp_path, chance)
    for _ in range(3):
        trial.add()
    trial.moods()
    trial.build()
    for _ in range(4):
        for edit in chance.sample(EDITS, chance.randint(0, 2)):
            edit(trial)
        trial.moods(chance.choice((0.0, 0.4, 0.9)))
        act = chance.choice(("build", "build", "retry", "retry all", "recaption", "reshard", "repair", "kill"))
        if act == "kill":
            kill_after(chance.randrange(60))
            with contextlib.suppress(Killed, EngineError):
                trial.build(prune=True)
            kill_after(None)
        elif act == "recaption":
            trial.recaption()
        else:
            retried = {"retry": TRANSIENT, "retry all": frozenset(Reason)}.get(act, frozenset())
            outcome = trial.build(
                prune=chance.random() < 0.7 or not retried, reshard=act == "reshard", repair=act == "repair", retried=retried
            )
            assert outcome.books.balance or outcome.missing or outcome.paused
    trial.moods(0.0)
    trial.build(prune=True)
    assert trial.build(retried=frozenset(Reason)).missing == ()
    outcome = trial.build(prune=True)
    assert outcome.missing == () and outcome.books.balance and outcome.paused == ()
    assert list(verify(Folder(str(tmp_path / "out")), deep=True)) == []
    assert trial.build(reshard=True).missing == ()
    assert trial.build("from-nothing").missing == ()
    assert published(tmp_path / "out") == published(tmp_path / "from-nothing")
    assert not (tmp_path / "asked-in-vain").exists() and not list((tmp_path / "out" / "plan").glob("addresses/**/*.json"))

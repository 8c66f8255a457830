"""A build whose recordings change while it runs ends, and names the shards that are not what the plan says."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import Clip, Reason, Recording, Rejected
from pipeline.verbs import build_record, rounds
from pipeline.verbs.build import Outcome, build
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import tone, unwatched
from transforms.fetching.fetch import Fetcher, Handler
from transforms.fetching.folders import LocalFolders
from transforms.fetching.local import local_recording
from transforms.fetching.settings import FetchSettings

RECIPE = """
name = "changing"

[[sources]]
source = "table"
dataset = "Set"
path = "clips.csv"
"""


class LateHandler:
    """Reads recordings from a folder; those whose names begin with `late` time out when they are first asked for."""

    def __init__(self, base: Path):
        self.base = base

    def matches(self, clip: Clip) -> bool:
        return True

    def fetch(self, clip: Clip, work: Path) -> Recording:
        asked = self.base / f"{clip.url}.asked"
        if clip.url.startswith("late") and not asked.exists():
            asked.touch()
            raise Rejected(Reason.TIMEOUT, "first")
        return local_recording(self.base / clip.url)


def late(folders: LocalFolders, settings: FetchSettings) -> tuple[Handler, ...]:
    return (LateHandler(folders.base),)


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of 14 splits, `s00` and so on. Each has a clip that sounds like the late clip of the split before.

    Whenever a split is made again its late clip arrives, takes its sound from the next split, and so that has to be made again.
    """
    rows = ["id,url,caption,split"]
    for n in range(14):
        for name, sound in ((f"equal-{n}", n), *([(f"late-{n}", n + 1)] if n else [("first", 1)])):
            soundfile.write(tmp_path / f"{name}.wav", tone(200 + 40 * sound, 0.05, 8000), 8000, subtype="PCM_16")
            rows.append(f"{name},{name}.wav,Sound {name}.,s{n:02}")
    (tmp_path / "clips.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    monkeypatch.setattr(build_record, "Fetcher", lambda base, settings, folders: Fetcher(base, settings, late, folders))
    return tmp_path


def built(chain: Path) -> Outcome:
    return build(load_recipe(str(chain / "recipe.toml")), Folder(str(chain / "out")), None, EagerEngine(), unwatched)


def test_a_build_whose_sounds_change_in_every_round_ends_and_names_the_shard_that_is_left(chain: Path) -> None:
    assert built(chain).missing == ("Set/s10/0: not built from what the plan says now",)


def test_the_next_build_makes_what_was_left(chain: Path) -> None:
    built(chain)
    outcome = built(chain)
    assert outcome.missing == () and outcome.books.balance
    assert outcome.books.total.reasons == {"duplicate": 13}
    assert list(verify(Folder(str(chain / "out")), deep=False)) == []


@pytest.mark.parametrize(
    ("n_rounds", "missing"),
    [
        (0, 14),
        (1, 1),  # sounds were not compared
        (2, 1),  # one shard has sounds that another keeps
        (3, 1),
    ],
)
def test_no_build_that_ends_too_early_is_reported_as_complete(
    n_rounds: int, missing: int, chain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MAX_ROUNDS", n_rounds)
    assert len(built(chain).missing) == missing

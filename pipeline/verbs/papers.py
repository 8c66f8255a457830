"""Write the papers of a set: DATACARD.md, ATTRIBUTION.csv, croissant.json and papers.json, from its plan, books, markers and evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.counted import counted
from pipeline.output.json_values import json_bytes
from pipeline.output.layout import ATTRIBUTION, CROISSANT, DATACARD, PAPERS, RECIPE
from pipeline.output.markers import file_facts
from pipeline.output.plan_index import FORMAT
from pipeline.output.snapshot import Snapshot
from pipeline.recipe.toml import parse_toml
from pipeline.report.papers.attribution import attribution_header, attribution_lines
from pipeline.report.papers.clips import current_shards, read_clips
from pipeline.report.papers.croissant import croissant
from pipeline.report.papers.datacard import datacard
from pipeline.report.papers.facts import DatasetFacts
from pipeline.report.papers.rai import rai_properties
from pipeline.report.papers.state import SetState, state_of
from pipeline.report.papers.training_summary import training_summary
from pipeline.verbs.status import read_the_books


@dataclass(frozen=True)
class Papers:
    """What was written: the state of the set, the counts of each dataset, and the hash of each file by name."""

    state: SetState
    facts: Sequence[DatasetFacts]
    files: dict[str, str]
    n_not_built: int

    @property
    def n_clips(self) -> int:
        """Number of clips that the papers name."""
        return sum(each.n_clips for each in self.facts)

    def lines(self, name: str) -> list[str]:
        """Return what `papers` prints; `name` is that of the folder."""
        written = f"{', '.join(sorted([*self.files, PAPERS]))} written in {name}: {counted(self.n_clips, 'clip')}"
        if not self.n_not_built:
            return [written]
        n_shards = counted(self.n_not_built, "shard is", "shards are")
        return [written, f"{n_shards} not built and in none of them: run the build again, then `laion-audio papers {name}`"]

    def to_json(self) -> dict[str, Any]:
        """Return what `papers --json` prints."""
        return {**asdict(self.state), "clips": self.n_clips, "shards_not_built": self.n_not_built, "files": self.files}


@dataclass(frozen=True, slots=True)
class RecipeFacts:
    """What papers say of the recipe of a folder."""

    name: str
    debias: str
    respects_robots_txt: bool
    respects_robots_tag: bool


def write_papers(snapshot: Snapshot) -> Papers:
    """Write the papers of a folder that has a plan. Equal folders give equal bytes; nothing else of the folder changes.

    Raises:
        FileNotFoundError, DamagedFileError: a file of a shard is missing or damaged.
    """
    folder, state, recipe = snapshot.folder, state_of(snapshot), recipe_facts(snapshot)
    with folder.workspace() as work:
        facts = _write_attribution(snapshot, work / ATTRIBUTION)
        written = file_facts(work / ATTRIBUTION)
        reasons = read_the_books(snapshot).total.reasons
        summary = training_summary(recipe.name, facts, recipe.respects_robots_txt, recipe.respects_robots_tag)
        rai = rai_properties(facts, reasons, recipe.debias)
        described = json_bytes(croissant(recipe.name, snapshot, state, facts, rai, (written.bytes, written.sha256)))
        card = datacard(recipe.name, snapshot, state, facts, summary).encode()
        folder.publish(work / ATTRIBUTION, ATTRIBUTION)
    folder.write(CROISSANT, described)
    folder.write(DATACARD, card)
    files = {ATTRIBUTION: written.sha256, CROISSANT: sha256(described).hexdigest(), DATACARD: sha256(card).hexdigest()}
    folder.write_json(PAPERS, {"format": FORMAT, **asdict(state), "files": files, "training_content": summary})
    n_not_built = len(snapshot.plan.shards if snapshot.plan else ()) - len(current_shards(snapshot))
    return Papers(state, facts, files, n_not_built)


def _write_attribution(snapshot: Snapshot, path: Path) -> list[DatasetFacts]:
    """Write the lines of all clips, shard by shard, and return what was counted on the way, by dataset."""
    facts: dict[str, DatasetFacts] = {}
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(attribution_header())
        for shard, clips in read_clips(snapshot.folder, current_shards(snapshot)):
            of_dataset = facts.setdefault(shard.dataset, DatasetFacts(shard.dataset))
            for clip in clips:
                of_dataset.add(clip)
            file.write(attribution_lines(clips))
    return [facts[name] for name in sorted(facts)]


def are_current(snapshot: Snapshot) -> bool | None:
    """Return whether the papers of a folder are of its state; `None` where it has none.

    Only their hashes are compared: what hosts answered since changes no hash, and `recheck` writes the papers again by itself.
    """
    if PAPERS not in snapshot.files:
        return None
    try:
        written = snapshot.folder.read_json(PAPERS)
    except ValueError:  # damaged
        return False
    state = asdict(state_of(snapshot))
    return isinstance(written, dict) and all(written.get(name) == value for name, value in state.items())


def refresh_papers(snapshot: Snapshot) -> bool:
    """Write the papers again where there are some of another state of the folder; return whether they were written."""
    is_old = are_current(snapshot) is False
    if is_old:
        write_papers(snapshot)
    return is_old


def recipe_facts(snapshot: Snapshot) -> RecipeFacts:
    """Return what recipe.toml says; the defaults for a recipe that is missing or damaged."""
    recipe: dict[str, Any] = {}
    if RECIPE in snapshot.files:
        try:
            recipe = parse_toml(snapshot.folder.read(RECIPE))
        except ValueError:  # no UTF-8, no TOML
            recipe = {}
    return RecipeFacts(
        str(recipe.get("name", "audio-set")),
        str(recipe.get("debias", "generated")),
        recipe.get("respect_robots_txt") is True,
        recipe.get("respect_robots_tag", True) is True,
    )

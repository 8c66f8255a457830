"""Ask hosts again what they say about the use of recordings, record the answers, and list the clips that are to be removed."""

from __future__ import annotations

import calendar
import collections
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from pipeline.failures import RecipeError
from pipeline.masking import is_masked
from pipeline.output.books import SAMPLE, read_books
from pipeline.output.evidence_files import read_evidence, write_evidence
from pipeline.output.layout import PAPERS, RECIPE, evidence_name
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe
from pipeline.recipe.toml import parse_toml
from pipeline.records import AskedAgain, Evidence, Reason, Rejected, ShardId
from pipeline.report.papers.clips import current_shards
from pipeline.verbs.build_record import fetch_settings
from pipeline.verbs.papers import write_papers
from pipeline.verbs.status import snapshot_of
from sources.metadata.options import SourceOptions
from transforms.fetching.addresses import host_of, scheme_of
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.web.ask_again import AskAgain
from transforms.fetching.web.opt_outs import signals_of
from transforms.shards.ordered_map import ordered_map

N_THREADS = 8
FRESH = 86_400.0
"""Seconds in which an answer is not asked for again, so that an interrupted `recheck` goes on; robots.txt holds as long (RFC 9309)."""
KEYS = ("name", "allow_private", "respect_robots_tag", "respect_robots_txt", "contact", "hosts")
"""Keys of recipe.toml that say how hosts are asked. Its sources are not needed: their tables may be gone."""

Ask = Callable[[str], AskedAgain]


@dataclass(frozen=True, slots=True)
class ToRemove:
    """A clip whose host says something against its use, with what it says as names of `opt_outs.SIGNALS`."""

    clip: str
    signals: tuple[str, ...]


@dataclass(frozen=True)
class Recheck:
    """What was asked: clips that were asked about now, those asked about less than a day ago, and those without an address to ask.

    `failed` counts by reason the clips whose hosts gave no answer now. Only `recheck` changes the counts.
    """

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    failed: collections.Counter[str] = field(default_factory=collections.Counter)

    def lines(self) -> Iterator[str]:
        """Yield what was done."""
        names = ("asked", "asked less than a day ago", "without an address")
        yield f"clips: {', '.join(f'{self.counts[name]:,} {name}' for name in names)}"
        if self.failed:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.failed.items()))
            yield f"no answer for {self.failed.total():,}: {reasons}; run the same command again, it goes on with these"


def recheck_folder(folder: Folder, wait: bool) -> tuple[Snapshot, Recheck]:
    """Recheck a folder, and write its papers again where it has some; with `wait` wait for budgets.

    Raises:
        RecipeError: as `asking_recipe`.
        OutputFormatError: it has no plan.
        FolderInUseError: a build is running there.
    """
    snapshot_of(folder)
    settings = fetch_settings(asking_recipe(folder), folder, wait)
    with folder.locked():
        snapshot = snapshot_of(folder)
        result = recheck(snapshot, AskAgain(settings.http, Budgets(settings.budgets)).ask)
        if PAPERS in snapshot.files:
            write_papers(snapshot)
    return snapshot, result


def recheck(snapshot: Snapshot, ask: Ask, now: Callable[[], float] = time.time) -> Recheck:
    """Ask about every clip that a host sent, and write the answers into the evidence of its shard."""
    result = Recheck()
    for shard in current_shards(snapshot):
        evidence = read_evidence(snapshot.folder, shard)
        if not evidence:
            result.counts["without an address"] += snapshot.markers[shard].n_samples
            continue
        answers = _ask_about(_to_ask(snapshot.folder, shard, evidence, now(), result), ask, result)
        if answers:
            together = {key: replace(each, again=answers.get(key, each.again)) for key, each in evidence.items()}
            with snapshot.folder.workspace() as work:
                write_evidence(together.items(), work / "evidence.parquet")
                snapshot.folder.publish(work / "evidence.parquet", evidence_name(shard))
    return result


def to_remove(snapshot: Snapshot) -> Iterator[ToRemove]:
    """Yield the clips whose hosts say something against their use, as they did when they were asked last."""
    for shard in current_shards(snapshot):
        evidence = read_evidence(snapshot.folder, shard)
        signals = {key: names for key, each in evidence.items() if (names := signals_of(each))}
        if not signals:
            continue
        for row in read_books(snapshot.folder, shard, ["key", "status", "id"]).to_pylist():
            if row["status"] == SAMPLE and row["key"] in signals:
                yield ToRemove(f"{shard.dataset}/{row['id']}", signals[row["key"]])


def _to_ask(folder: Folder, shard: ShardId, evidence: dict[str, Evidence], now: float, result: Recheck) -> dict[str, list[str]]:
    """Return the addresses to ask about, with the keys of their clips; count the other clips."""
    addresses: dict[str, list[str]] = {}
    for row in read_books(folder, shard, ["key", "status", "url", "final_url"]).to_pylist():
        if row["status"] != SAMPLE:
            continue
        address = next((each for each in (row["url"], row["final_url"] or "") if scheme_of(each) in {"http", "https"}), "")
        known = evidence.get(row["key"])
        if known is None or not address or is_masked(address) or "..." in address.partition("?")[2]:  # values that are not kept
            result.counts["without an address"] += 1
        elif known.again is not None and now - _seconds(known.again.asked_at) < FRESH:
            result.counts["asked less than a day ago"] += 1
        else:
            addresses.setdefault(address, []).append(row["key"])
    return addresses


def _ask_about(addresses: dict[str, list[str]], ask: Ask, result: Recheck) -> dict[str, AskedAgain]:
    """Return the answers by sample key; a host that is asked no more for now is not asked for each of its addresses."""
    closed: set[str] = set()

    def answer(address: str) -> AskedAgain | Reason:
        if host_of(address) in closed:
            return Reason.POSTPONED
        try:
            return ask(address)
        except Rejected as rejected:
            if rejected.reason == Reason.POSTPONED:
                closed.add(host_of(address))
            return rejected.reason

    answers = {}
    for (_, keys), given in zip(addresses.items(), ordered_map(answer, addresses, N_THREADS), strict=True):
        if isinstance(given, Reason):
            result.failed[str(given)] += len(keys)
        else:
            result.counts["asked"] += len(keys)
            answers.update(dict.fromkeys(keys, given))
    return answers


def _seconds(time_utc: str) -> float:
    """Return the Unix time of a time of evidence; 0 for what is none."""
    try:
        return calendar.timegm(time.strptime(time_utc, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return 0.0


def asking_recipe(folder: Folder) -> BuildRecipe:
    """Return what recipe.toml of a folder says of hosts; without its sources.

    Raises:
        RecipeError: the folder has no recipe, or one that says it in another way.
    """
    try:
        document = parse_toml(folder.read(RECIPE))
        nothing: Sequence[SourceOptions] = (SourceOptions.model_construct(source="", dataset="", base=Path()),)
        return BuildRecipe.model_validate({key: document[key] for key in KEYS if key in document} | {"sources": nothing, "folder": Path()})
    except FileNotFoundError as error:
        raise RecipeError(f"{folder.root}: no {RECIPE} here, so no finished build") from error
    except (ValidationError, ValueError) as error:
        raise RecipeError(f"{folder.path(RECIPE)} cannot be read: {' '.join(str(error).split())[:300]}; run the build again") from error

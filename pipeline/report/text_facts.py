"""Gather facts about the text of a plan, by dataset: origins, repeats, languages, lengths, and what guard and de-biasing did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import PLAN, plan_name
from pipeline.output.parquet_files import read_table
from pipeline.output.plan_files import CLIPS
from pipeline.output.plan_index import Plan
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from pipeline.report.guard_facts import GuardFacts, guard_facts
from pipeline.report.languages import Languages, languages_of, sample_step

N_REPEATS = 10
"""Repeated captions that are named for a dataset."""
N_EXAMPLES = 3
"""Captions changed by de-biasing that are shown for each rule."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A caption that stands on several clips, whatever its case and last mark: its text on the first of them, and how many they are."""

    text: str
    n_clips: int


@dataclass(frozen=True, slots=True)
class DebiasedCaption:
    """A caption that de-biasing changed: the key of its clip, the text before and after, and the rules in the order of their use."""

    key: str
    before: str
    after: str
    rules: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the change as reports have it."""
        return {"key": self.key, "before": self.before, "after": self.after, "rules": list(self.rules)}


@dataclass(frozen=True, slots=True)
class DebiasFacts:
    """What de-biasing did: every caption that it changed, in the order of the plan."""

    changes: tuple[DebiasedCaption, ...] = ()

    @property
    def rules(self) -> dict[str, int]:
        """Number of captions that each rule changed, the most frequent first."""
        return _ordered(Counter(rule for change in self.changes for rule in dict.fromkeys(change.rules)))

    @property
    def examples(self) -> tuple[DebiasedCaption, ...]:
        """The first `N_EXAMPLES` captions whose first rule is the same, for each rule."""
        shown: Counter[str] = Counter()
        examples = []
        for change in self.changes:
            first = change.rules[0] if change.rules else ""
            if shown[first] < N_EXAMPLES:
                shown[first] += 1
                examples.append(change)
        return tuple(sorted(examples, key=lambda change: change.rules[:1]))

    def to_json(self) -> dict[str, Any]:
        """Return the facts as reports have them: counts and examples."""
        return {"changed": len(self.changes), "rules": self.rules, "examples": [each.to_json() for each in self.examples]}


@dataclass(frozen=True, slots=True)
class TextFacts:
    """The text of one dataset of a plan.

    `origins` counts captions by origin, the most frequent first; `words` counts them by number of words, the shortest first.
    `n_only_template` is the number of clips whose captions are all templates; `n_repeated` that of captions that stand on several
    clips, of which `repeats` names the most frequent. `guard` is `None` where no T5 was asked; `n_dropped_repeats` is the number of
    captions that were left out since their uploader wrote them on many sounds, `None` where nothing counts them.
    """

    dataset: str
    n_clips: int
    n_captions: int
    n_only_template: int
    origins: Mapping[str, int]
    words: Mapping[int, int]
    n_repeated: int
    repeats: tuple[Repeat, ...]
    languages: Languages
    debias: DebiasFacts
    guard: GuardFacts | None = None
    n_dropped_repeats: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the facts as reports have them; what does not apply is left out."""
        repeats = {"captions": self.n_repeated, "most_frequent": [{"text": each.text, "clips": each.n_clips} for each in self.repeats]}
        if self.n_dropped_repeats is not None:
            repeats["dropped"] = self.n_dropped_repeats
        return {
            "clips": self.n_clips,
            "captions": self.n_captions,
            "only_template": self.n_only_template,
            "origins": dict(self.origins),
            "words": {str(n): count for n, count in self.words.items()},
            "repeats": repeats,
            "languages": self.languages.to_json(),
            "debias": self.debias.to_json(),
            **({"guard": self.guard.to_json()} if self.guard is not None else {}),
        }


def text_facts(folder: Folder, plan: Plan, dropped_repeats: Mapping[str, int] = MappingProxyType({})) -> tuple[TextFacts, ...]:
    """Return the facts of every dataset of a plan, sorted by dataset. Equal plans give equal facts.

    Args:
        dropped_repeats: dataset -> captions that were left out since their uploader wrote them on many sounds, where they were counted.

    Raises:
        FileNotFoundError: a plan file is missing.
        DamagedFileError: a plan file is damaged.
    """
    shards: dict[str, list[ShardId]] = {}
    for planned in plan.shards:
        shards.setdefault(planned.shard.dataset, []).append(planned.shard)
    guards = guard_facts(folder, plan)
    facts = (_facts(name, pa.concat_tables(_captions(folder, shards[name])), guards.get(name)) for name in sorted(shards))
    return tuple(replace(each, n_dropped_repeats=dropped_repeats.get(each.dataset)) for each in facts)


def _changes(captions: pa.Table) -> Iterator[DebiasedCaption]:
    changed = captions.filter(pc.is_valid(captions["before_debias"]))
    for row in changed.select(["key", "before_debias", "text", "debias_rules"]).to_pylist():
        yield DebiasedCaption(row["key"], row["before_debias"], row["text"], tuple(row["debias_rules"]))


def _captions(folder: Folder, shards: list[ShardId]) -> Iterator[pa.Table]:
    """Yield a table for every shard with a row for every caption: the fields of `Caption`, the key and the number of its clip.

    Columns are read as they are and no records are made: a plan may hold millions of captions.
    """
    n_before = 0
    for shard in shards:
        name = f"{PLAN}/{plan_name(shard)}"
        rows = read_table(folder, name, CLIPS, ["key", "captions"], ["key", "captions"])
        lists = rows["captions"].combine_chunks()
        if isinstance(lists, pa.ChunkedArray):  # of a shard without rows
            continue
        clips = pc.list_parent_indices(lists)
        table = pa.Table.from_struct_array(lists.flatten())
        for column in ("text", "origin", "debias_rules"):
            if table[column].null_count:
                raise DamagedFileError(name, f"a caption has no {column}")
        table = table.append_column("key", rows["key"].take(clips)).append_column("clip", pc.add(clips, n_before).cast(pa.int64()))
        n_before += len(rows)
        yield table.select(["clip", "key", "text", "origin", "before_debias", "debias_rules"])


def _facts(dataset: str, captions: pa.Table, guard: GuardFacts | None) -> TextFacts:
    clips = captions.group_by("clip", use_threads=False)
    kinds = captions.append_column("is_template", pc.equal(captions["origin"], "template"))
    only_template = kinds.group_by("clip", use_threads=False).aggregate([("is_template", "all")])
    n_words = pc.count_substring_regex(captions["text"], r"\S+")
    n_repeated, repeats = _repeats(captions)
    every = sample_step(len(captions))
    judged = captions["text"].take(pa.array(range(0, len(captions), every), pa.int64()))
    return TextFacts(
        dataset=dataset,
        n_clips=len(clips.aggregate([])),
        n_captions=len(captions),
        n_only_template=pc.sum(only_template["is_template_all"]).as_py() or 0,
        origins=_ordered(Counter(captions["origin"].to_pylist())),
        words=dict(sorted(Counter(n_words.to_pylist()).items())),
        n_repeated=n_repeated,
        repeats=repeats,
        languages=languages_of(judged.to_pylist(), every),
        debias=DebiasFacts(tuple(_changes(captions))),
        guard=guard,
    )


def _repeats(captions: pa.Table) -> tuple[int, tuple[Repeat, ...]]:
    """Return how many captions stand on several clips, and the most frequent of them. Repeats on one clip count once."""
    folded = pc.utf8_rtrim(pc.utf8_lower(captions["text"]), " .!")
    once = captions.select(["clip", "text"]).append_column("folded", folded).group_by(["folded", "clip"], use_threads=False)
    counted = once.aggregate([("text", "first"), ([], "count_all")]).group_by("folded", use_threads=False)
    counts = counted.aggregate([("text_first", "first"), ([], "count_all"), ("count_all", "sum")])
    several = counts.filter(pc.greater(counts["count_all"], 1))
    first = several.sort_by([("count_all", "descending"), ("folded", "ascending")]).slice(0, N_REPEATS)
    texts, n_clips = first["text_first_first"].to_pylist(), first["count_all"].to_pylist()
    return pc.sum(several["count_all_sum"]).as_py() or 0, tuple(map(Repeat, texts, n_clips))


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

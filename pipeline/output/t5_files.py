"""Read and write the texts of a T5, in the plan's folder: a cache for later plans, and every text with the rule that it breaks."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.keys import stable_hash
from pipeline.output.layout import PLAN, T5_CACHE, T5_COUNTS, T5_PARTS, T5_TEXTS
from pipeline.output.parquet_files import read_table
from pipeline.output.storage import Folder

CACHE = pa.schema([("generation_hash", pa.string()), ("prompt", pa.string()), ("texts", pa.list_(pa.string()))])
TEXTS = pa.schema(
    [(name, pa.string()) for name in ("dataset", "prompt", "text", "rule")]
    + [("rank", pa.int64()), ("n_clips", pa.int64()), ("keywords", pa.list_(pa.string()))]
)


@dataclass(frozen=True, slots=True)
class GeneratedTexts:
    """The texts that a T5 generated for a prompt, the best first."""

    prompt: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The texts for a keyword set, and for each text the rule of the guard that it breaks, `None` where it passes."""

    dataset: str
    keywords: tuple[str, ...]
    prompt: str
    texts: tuple[str, ...]
    rules: tuple[str | None, ...]

    @property
    def text(self) -> str | None:
        """The first text that breaks no rule."""
        return next((text for text, rule in zip(self.texts, self.rules, strict=True) if rule is None), None)


def read_cache(folder: Folder, generation_hash: str) -> Iterator[GeneratedTexts]:
    """Yield the texts of earlier plans of this folder by the model and settings of `generation_hash`."""
    for row in _cached_rows(folder):
        if row["generation_hash"] == generation_hash:
            yield GeneratedTexts(row["prompt"], tuple(row["texts"]))


def write_cache(fresh: Iterable[GeneratedTexts], generation_hash: str, folder: Folder, below: str) -> None:
    """Write the cache of a new plan: the rows of the old cache and the fresh texts."""
    known = {(row["generation_hash"], row["prompt"]): row for row in _cached_rows(folder)}
    known |= {
        (generation_hash, item.prompt): {"generation_hash": generation_hash, "prompt": item.prompt, "texts": list(item.texts)}
        for item in fresh
    }
    _publish(pa.Table.from_pylist([known[key] for key in sorted(known)], CACHE), folder, f"{below}/{T5_CACHE}")


def forget(prompts: Set[str], folder: Folder, below: str) -> None:
    """Write the cache of a new plan without the texts for some prompts, by any model."""
    rows = _rows(folder, f"{PLAN}/{T5_CACHE}", CACHE)
    if any(row["prompt"] in prompts for row in rows):
        kept = [row for row in rows if row["prompt"] not in prompts]
        _publish(pa.Table.from_pylist(kept, CACHE), folder, f"{below}/{T5_CACHE}")


def part_name(prompts: Sequence[str], generation_hash: str) -> str:
    """Return the name of the file that holds the texts of one batch of prompts."""
    return f"{PLAN}/{T5_PARTS}/batch-{stable_hash(generation_hash, *prompts)[:24]}.parquet"


def write_part(generated: Sequence[GeneratedTexts], generation_hash: str, folder: Folder) -> None:
    """Write the texts of one batch, so that planning, when killed and run again, does not generate them again."""
    rows = [{"generation_hash": generation_hash, "prompt": item.prompt, "texts": list(item.texts)} for item in generated]
    _publish(pa.Table.from_pylist(rows, CACHE), folder, part_name([item.prompt for item in generated], generation_hash))


def read_part(prompts: Sequence[str], generation_hash: str, folder: Folder) -> tuple[GeneratedTexts, ...]:
    """Return the texts of one batch, empty where they are not generated yet."""
    return tuple(GeneratedTexts(row["prompt"], tuple(row["texts"])) for row in _rows(folder, part_name(prompts, generation_hash), CACHE))


def write_verdicts(counted: Iterable[tuple[Verdict, int]], folder: Folder, below: str) -> None:
    """Write every text with the rule it breaks, and how many keyword sets and clips of each dataset got a caption."""
    ordered = sorted(counted, key=lambda entry: (entry[0].dataset, entry[0].keywords))
    rows: list[dict[str, Any]] = []
    for verdict, n_clips in ordered:
        columns = {"dataset": verdict.dataset, "keywords": list(verdict.keywords), "prompt": verdict.prompt, "n_clips": n_clips}
        texts = zip(verdict.texts, verdict.rules, strict=True)
        rows += [columns | {"rank": rank, "text": text, "rule": rule} for rank, (text, rule) in enumerate(texts)]
    counts = verdict_counts(ordered)
    for entry in counts.values():
        entry["rules"] = dict(sorted(entry["rules"].items()))
    _publish(pa.Table.from_pylist(rows, TEXTS), folder, f"{below}/{T5_TEXTS}")
    folder.write_json(f"{below}/{T5_COUNTS}", counts)


def verdict_counts(counted: Iterable[tuple[Verdict, int]]) -> dict[str, dict[str, Any]]:
    """Return by dataset what `plan.json` counts of verdicts."""
    counts: dict[str, dict[str, Any]] = {}
    for verdict, n_clips in counted:
        _count(verdict, n_clips, counts.setdefault(verdict.dataset, {"clips": [0, 0], "sets": [0, 0], "rules": {}}))
    return counts


def _count(verdict: Verdict, n_clips: int, counts: dict[str, Any]) -> None:
    """Add a verdict to the counts of one dataset.

    `clips` and `sets` are [asked, passed] numbers of clips and keyword sets; `rules` counts, for keyword sets without a text that
    passes, the rule that the best text breaks; `uncovered` where the model found no sentence.
    """
    passed = verdict.text is not None
    for name, n in (("clips", n_clips), ("sets", 1)):
        counts[name] = [counts[name][0] + n, counts[name][1] + n * passed]
    if not passed:
        rule = verdict.rules[0] if verdict.rules else "uncovered"
        counts["rules"][rule] = counts["rules"].get(rule, 0) + 1


def read_texts(folder: Folder) -> list[dict[str, Any]]:
    """Return every text that was written for the plan of a folder, as rows of `t5_texts.parquet`; none where there is no such file.

    Raises:
        DamagedFileError: the file is damaged.
    """
    return _rows(folder, f"{PLAN}/{T5_TEXTS}", TEXTS)


def read_verdicts(folder: Folder) -> Counter[Verdict]:
    """Return the verdicts on the texts of a plan, and how many clips each is about; raises as `read_texts`."""
    verdicts: dict[tuple, list[dict[str, Any]]] = {}
    for row in read_texts(folder):
        verdicts.setdefault((row["dataset"], tuple(row["keywords"])), []).append(row)
    counted: Counter[Verdict] = Counter()
    for (dataset, keywords), rows in verdicts.items():
        begins = [at for at, row in enumerate(rows) if row["rank"] == 0]
        for begin, end in itertools.pairwise([*begins, len(rows)]):
            first = rows[begin]
            texts, rules = (tuple(row[name] for row in rows[begin:end]) for name in ("text", "rule"))
            counted[Verdict(dataset, keywords, first["prompt"], texts, rules)] += first["n_clips"]
    return counted


def _cached_rows(folder: Folder) -> list[dict[str, Any]]:
    return [
        row for row in _rows(folder, f"{PLAN}/{T5_CACHE}", CACHE) if row["generation_hash"] is not None
    ]  # older caches have no such column


def _rows(folder: Folder, name: str, schema: pa.Schema) -> list[dict[str, Any]]:
    try:
        return read_table(folder, name, schema, required=set(schema.names) - {"generation_hash", "rule"}).to_pylist()
    except FileNotFoundError:
        return []


def _publish(table: pa.Table, folder: Folder, name: str) -> None:
    with folder.workspace() as work:
        path: Path = work / "table.parquet"
        pq.write_table(table, path, compression="zstd")
        folder.publish(path, name)

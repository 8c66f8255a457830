"""Summarise the content of a set as the AI Act asks of those who train on it: Article 53(1)(d), in the order of the Commission's template.

The template (C(2025) 8311, sections 1 to 3) is about a model. What only the provider of a model knows is named as such.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.report.papers.facts import DatasetFacts
from pipeline.report.papers.markdown import table
from sources.metadata.card import Kind

BY_PROVIDER = "to be stated by the provider of the model"
AUDIO_RANGES = ((10_000, "less than 10,000 hours"), (1_000_000, "10,000 to 1 million hours"), (math.inf, "more than 1 million hours"))
"""Ranges of the template for audio, by their upper bound in hours."""
TEXT_RANGE = "less than 1 billion tokens"
"""The template's lowest range for text: 2.5 million clips with ten captions of 20 words are half of it."""
DOMAIN_SHARE, MIN_DOMAINS = 0.10, 10
"""The template asks for the tenth of all domains with the most content; where there are few, more are named."""
PUBLIC, PRIVATE, CRAWLED, SYNTHETIC, OTHER = "publicly available", "private", "crawled", "synthetic", "other"


def training_summary(name: str, facts: Sequence[DatasetFacts], respects_robots_txt: bool, respects_robots_tag: bool) -> dict[str, Any]:
    """Return the summary as JSON: `general`, `sources`, `processing`, each with the sections of the template."""
    hours = sum(each.hours for each in facts)
    return {
        "template": "Template for the public summary of training content, Article 53(1)(d) of Regulation (EU) 2024/1689",
        "general": {
            "provider": BY_PROVIDER,
            "model": BY_PROVIDER,
            "dataset": name,
            "modalities": {
                "audio": {
                    "size": next(text for bound, text in AUDIO_RANGES if hours < bound),
                    "hours": round(hours, 3),
                    "clips": sum(each.n_clips for each in facts),
                    "content": "excerpts of recordings: sounds, music and speech, as the sources below hold them",
                },
                "text": {
                    "size": TEXT_RANGE,
                    "captions": sum(each.origins.total() for each in facts),
                    "content": "captions of the recordings, and labels",
                    "languages": "those of the sources; they are not recorded",
                },
            },
            "other_modalities": "none",
            "latest_collection": max((day for each in facts for day in each.times), default="not recorded: nothing was fetched"),
        },
        "sources": _sources(facts),
        "processing": _processing(facts, respects_robots_txt, respects_robots_tag),
    }


def source_kind(facts: DatasetFacts) -> str:
    """Return the kind of source that the template has for a dataset."""
    kind = facts.card.kind if facts.card is not None else Kind.OWN
    if kind == Kind.LIBRARIES:
        return PRIVATE
    if kind != Kind.OWN:
        return PUBLIC
    return CRAWLED if facts.n_fetched else OTHER


def _sources(facts: Sequence[DatasetFacts]) -> dict[str, Any]:
    by_kind: dict[str, list[dict[str, Any]]] = {kind: [] for kind in (PUBLIC, PRIVATE, CRAWLED, OTHER)}
    for each in facts:
        by_kind[source_kind(each)].append(
            {
                "dataset": each.name,
                "source": each.card.title if each.card is not None else "not known to this version",
                "clips": each.n_clips,
                "hours": round(each.hours, 3),
                "licenses": dict(sorted(each.licenses.items())),
            }
        )
    models = sum((each.models for each in facts), collections.Counter[str]())
    return {
        "2.1 publicly available datasets": by_kind[PUBLIC],
        "2.2 private datasets of third parties": by_kind[PRIVATE],
        "2.3 data crawled and scraped": {"datasets": by_kind[CRAWLED], **_crawled(facts)},
        "2.4 user data": "none, since no user of a model gave anything to this set",
        "2.5 synthetic data": {
            "audio": "none was generated",
            "captions": {origin: sum(each.origins[origin] for each in facts) for origin in ("llm", "t5", "template")},
            "models": dict(sorted(models.items())),
        },
        "2.6 other sources": by_kind[OTHER],
    }


def _crawled(facts: Sequence[DatasetFacts]) -> dict[str, Any]:
    """Return what was fetched from hosts, whatever table named the address, and the domains with the most of it."""
    clips = sum((each.hosts for each in facts), collections.Counter[str]())
    n_bytes = sum((each.host_bytes for each in facts), collections.Counter[str]())
    n_named = max(MIN_DOMAINS, math.ceil(DOMAIN_SHARE * len(clips)))
    ordered = sorted(clips, key=lambda host: (-n_bytes[host], -clips[host], host))
    days = sorted(day for each in facts for day in each.times)
    return {
        "crawler": "laion-audio: it asks for the addresses that tables name and follows no links; User-Agent laion-audio",
        "behaviour": "keeps the limits of each host, waits as Retry-After asks, and stops at log-ins, paywalls and checks for robots",
        "modality": "audio",
        "period": f"{days[0]} to {days[-1]}" if days else "not recorded: nothing was fetched",
        "clips": clips.total(),
        "domains": len(clips),
        "named": "the tenth of all domains with the most bytes, and ten at least",
        "domains_by_size": [{"domain": host, "clips": clips[host], "bytes": n_bytes[host]} for host in ordered[:n_named]],
    }


def _processing(facts: Sequence[DatasetFacts], robots_txt: bool, robots_tag: bool) -> dict[str, Any]:
    signals = sum((each.signals for each in facts), collections.Counter[str]())
    answers = sum((each.answers for each in facts), collections.Counter[str]())
    return {
        "3.1 reservation of rights": {
            "code of practice": BY_PROVIDER,
            "robots.txt": "honoured for every address" if robots_txt else "not asked: the addresses come from tables, not from a crawl",
            "X-Robots-Tag": "a recording sent with noai, noimageai or noindex is left out" if robots_tag else "not honoured",
            "recorded": f"X-Robots-Tag, TDM-Reservation, TDM-Policy and Content-Usage of {answers['recorded']} clips, with the time",
            "asked_again": answers["asked again"],
            "reserved_now": dict(sorted(signals.items())),
            "removal": "laion-audio recheck lists the clips whose hosts reserve rights now, and laion-audio remove takes them out",
        },
        "3.2 illegal content": BY_PROVIDER + "; the set is not searched for it",
        "3.3 other": "equal sounds, held-out recordings and rows without text are left out, each with its reason in the books",
    }


def summary_lines(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the summary as Markdown: a table for each section of the template."""
    general, sources, processing = summary["general"], summary["sources"], summary["processing"]
    yield f"Made after the {summary['template']}. Where it says *{BY_PROVIDER}*, nothing in this set can tell."
    yield from _section("1. General information", _flat(general))
    yield from ("", "### 2. List of data sources", "")
    for title in ("2.1 publicly available datasets", "2.2 private datasets of third parties"):
        yield from _datasets(title, sources[title])
    crawled = sources["2.3 data crawled and scraped"]
    yield from _datasets("2.3 data crawled and scraped", crawled["datasets"])
    keys = ("crawler", "behaviour", "modality", "period", "clips", "domains", "named")
    yield from table(("fetched from hosts", ""), [(key, str(crawled[key])) for key in keys])
    if crawled["domains_by_size"]:
        rows = [(each["domain"], f"{each['clips']:,}", f"{each['bytes']:,}") for each in crawled["domains_by_size"]]
        yield from ("", *table(("domain", "clips", "bytes"), rows))
    yield from ("", f"2.4 user data: {sources['2.4 user data']}.", "")
    yield from (*table(("2.5 synthetic data", ""), _flat(sources["2.5 synthetic data"])), "")
    yield from _datasets("2.6 other sources", sources["2.6 other sources"])
    yield from _section("3. Processing", _flat(processing))


def _section(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from ("", f"### {title}", "", *table(("item", "content"), rows))


def _datasets(title: str, datasets: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not datasets:
        yield from (f"{title}: none.", "")
        return
    rows = [
        (each["dataset"], each["source"], f"{each['clips']:,}", f"{each['hours']:,.2f}", ", ".join(each["licenses"])) for each in datasets
    ]
    yield from (*table((title, "source", "clips", "hours", "licences"), rows), "")


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested values as rows: names joined by a colon, and the value."""
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        rows += _flat(value, f"{name}: ") if isinstance(value, dict) and value else [(name, "none" if value == {} else str(value))]
    return rows

"""Fill the properties of Croissant's RAI vocabulary 1.0 from the books of a set: how it was collected, changed and annotated."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.report.papers.croissant import AUDIO_ACTIVITY, ORIGINS
from pipeline.report.papers.facts import DatasetFacts

MACHINES = frozenset({"llm", "t5"})
"""Origins of captions that a model wrote."""


def rai_properties(facts: Sequence[DatasetFacts], reasons: Mapping[str, int], debias: str) -> dict[str, Any]:
    """Return the properties by name.

    Args:
        reasons: the rejected rows of the books, by reason.
        debias: the captions that the recipe makes gender-neutral: a value of its key `debias`.
    """
    n_clips, fetched = sum(each.n_clips for each in facts), sum(each.n_fetched for each in facts)
    origins = sum((each.origins for each in facts), collections.Counter[str]())
    models = sum((each.models for each in facts), collections.Counter[str]())
    lacking = sum((each.lacking for each in facts), collections.Counter[str]())
    days = sorted({day for each in facts for day in each.times})
    kinds = ["Secondary Data analysis"] + (["Software Collection"] if fetched else [])
    left_out = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
    made = "; ".join(f"{origins[origin]:,} {ORIGINS.get(origin, origin)}" for origin in sorted(origins))
    properties = {
        "dataCollection": f"Tables name the recordings. Hosts sent {fetched:,} of {n_clips:,}; the others were on a disk.",
        "dataCollectionType": kinds,
        "dataCollectionMissingData": f"Rows that became no sample, by reason: {left_out or 'none'}. Clips without a "
        + ", ".join(f"{name}: {lacking[name]:,}" for name in ("title", "creator", "address", "licence")),
        "dataCollectionRawData": "; ".join(f"{each.name}: {each.card.title if each.card else 'a table'}" for each in facts),
        "dataCollectionTimeframe": [f"{day}T00:00:00" for day in days],
        "dataPreprocessingProtocol": [AUDIO_ACTIVITY, "equal sounds, silent, damaged and held-out recordings are left out"],
        "dataManipulationProtocol": f"Captions that are made gender-neutral: {debias}. Each keeps its text before that, in the plan.",
        "dataAnnotationProtocol": f"Captions: {made or 'none'}.",
        "machineAnnotationTools": [f"{model}: {count:,} captions" for model, count in sorted(models.items())],
        "annotationsPerItem": f"{origins.total() / n_clips:.2f} captions a clip" if n_clips else "",
        "dataUseCases": ["training and evaluation of models of sound and text, such as CLAP", "retrieval of sounds by text"],
        "dataLimitations": _limitations(origins, n_clips, lacking),
        "dataBiases": ["the sources decide which sounds there are: each has its own share of places, languages and kinds of sound"],
        "personalSensitiveInformation": ["voices and names may be in recordings, titles and captions; the set is not searched for them"],
        "dataReleaseMaintenancePlan": "laion-audio recheck asks hosts again, and laion-audio remove takes clips out of plan and shards.",
    }
    return {f"rai:{name}": value for name, value in properties.items() if value}


def _limitations(origins: Mapping[str, int], n_clips: int, lacking: Mapping[str, int]) -> list[str]:
    by_machine = sum(count for origin, count in origins.items() if origin in MACHINES)
    limits = []
    if by_machine:
        limits.append(f"{by_machine:,} captions were written by models and not checked by people")
    if origins.get("template"):
        limits.append(f"{origins['template']:,} captions only word labels")
    if lacking.get("licence"):
        limits.append(f"{lacking['licence']:,} of {n_clips:,} clips have no recorded licence")
    return limits or ["captions describe what can be heard as far as their writers did"]

"""Describe a set in Croissant 1.1 (MLCommons): its files with their hashes, its records, where they come from, and how they may be used.

Each dataset is a record set: one record a sample, whose audio is read from the tars and whose text is read from the plan. Within a dataset
every sample has a key of its own, by which both are joined.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipeline.output.layout import PLAN, books_name, tar_name
from pipeline.output.snapshot import Snapshot
from pipeline.records import ShardId
from pipeline.report.papers.clips import current_shards
from pipeline.report.papers.facts import DatasetFacts
from pipeline.report.papers.licenses import NO_LICENSE
from pipeline.report.papers.state import SetState
from sources.metadata.license_names import SPDX

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
TERMS = (
    "annotation arrayShape citeAs column containedIn equivalentProperty excludes extract field fileProperty fileObject fileSet format "
    "includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate sdVersion "
    "separator source subField transform value"
)
"""Names that the JSON-LD context gives to the vocabulary of Croissant."""
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{name: f"cr:{name}" for name in TERMS.split()},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
"""The JSON-LD context of version 1.1 (appendix 1 of the specification), and the name of PROV."""
AUDIO_ACTIVITY = "fetched, cut to the excerpt, mixed to mono, resampled to 48 kHz, rounded to 16 bits, written as FLAC"
ORIGINS = {
    "human": "written by people for such a set",
    "title": "titles that recordists gave",
    "description": "descriptions that recordists wrote",
    "llm": "written by a language model",
    "template": "worded from labels by a template",
    "t5": "worded from labels by a T5, checked by a guard",
}
"""Origin of a caption -> how it was made."""
TEXTS = {
    "split": "The split.",
    "source": "The source that named the recording.",
    "id": "The id of the clip in its source.",
    "url": "The address or path of the recording.",
    "title": "The title of the recording.",
    "creator": "Who made the recording.",
    "license": "The licence of the recording, as its source gives it.",
    "recording": "The name of the recording: clips with the same name are cut from one.",
}
TIMES = {"start": "Where the clip begins in the recording, in seconds.", "end": "Where it ends."}
"""Fields of a record that are columns of the plan."""


def croissant(
    name: str, snapshot: Snapshot, state: SetState, facts: Sequence[DatasetFacts], rai: dict[str, Any], attribution: tuple[int, str]
) -> dict[str, Any]:
    """Return the content of croissant.json.

    Args:
        name: of the recipe.
        rai: the properties of the RAI vocabulary.
        attribution: size in bytes and SHA-256 of ATTRIBUTION.csv.
    """
    shards: dict[str, list[ShardId]] = collections.defaultdict(list)
    for shard in current_shards(snapshot):
        shards[shard.dataset].append(shard)
    n_clips = sum(each.n_clips for each in facts)
    licenses = sorted({license for each in facts for license in each.licenses})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": f"{n_clips:,} recordings with captions as WebDataset shards: 48 kHz mono FLAC and JSON. "
        f"Made from the plan {state.plan_sha256[:12]}, shards {state.shards_sha256[:12]}.",
        "conformsTo": list(CONFORMS_TO),
        "version": f"1.0.0+{state.shards_sha256[:12]}",
        "license": [_license(license) for license in licenses] or [NO_LICENSE],
        "creator": {"@type": "sc:Organization", "name": f"the builders of {name}, with laion-audio"},
        "keywords": ["audio", "captions", "webdataset", "CLAP"],
        "isLiveDataset": False,
        **rai,
        **_provenance(name, facts),
        "distribution": [_attribution(*attribution), *_files(snapshot, shards)],
        "recordSet": [_record_set(each) for each in facts if each.n_clips],
    }


def _license(license: str) -> str:
    """Return the address of a licence on the SPDX list, or the expression of another."""
    return f"https://spdx.org/licenses/{license}.html" if license in SPDX else license


def _provenance(name: str, facts: Iterable[DatasetFacts]) -> dict[str, Any]:
    """Return which sets the set was made from, and by what."""
    derived = [
        {"@id": f"urn:dataset:{each.name}", "@type": "prov:Entity", "prov:label": each.card.title if each.card is not None else each.name}
        for each in facts
    ]
    agent = {"@type": "prov:SoftwareAgent", "prov:label": "laion-audio"}
    activity = {"@type": "prov:Activity", "prov:label": f"build of the recipe {name}", "prov:wasAssociatedWith": agent}
    return {"prov:wasDerivedFrom": derived, "prov:wasGeneratedBy": activity}


def _attribution(n_bytes: int, sha256: str) -> dict[str, Any]:
    return _file("ATTRIBUTION.csv", "text/csv", n_bytes, sha256) | {
        "description": "Title, creator, licence and address of every recording."
    }


def _files(snapshot: Snapshot, by_dataset: dict[str, list[ShardId]]) -> Iterator[dict[str, Any]]:
    """Yield the files of every dataset: tars, books, and the sets of files that records are read from."""
    for dataset, shards in sorted(by_dataset.items()):
        for shard in shards:
            marker = snapshot.markers[shard]
            yield _file(tar_name(shard), "application/x-tar", marker.tar.bytes, marker.tar.sha256)
            yield _file(books_name(shard), "application/x-parquet", marker.parquet.bytes, marker.parquet.sha256)
        filled = [{"@id": tar_name(shard)} for shard in shards if snapshot.markers[shard].n_samples]
        if filled:
            yield _file_set(_audio_of(dataset), "audio/flac", "*.flac") | {"containedIn": filled}
            yield _file_set(_plan_of(dataset), "application/x-parquet", f"{PLAN}/{dataset}/*.parquet")


def _file_set(name: str, kind: str, includes: str) -> dict[str, Any]:
    return {"@type": "cr:FileSet", "@id": name, "encodingFormat": kind, "includes": includes}


def _file(name: str, kind: str, n_bytes: int, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{n_bytes} B",
        "encodingFormat": kind,
        "sha256": sha256,
    }


def _record_set(facts: DatasetFacts) -> dict[str, Any]:
    dataset = facts.name
    audio, plan = _audio_of(dataset), _plan_of(dataset)
    key = {"fileSet": {"@id": audio}, "extract": {"fileProperty": "filename"}, "transform": {"regex": r"^(.*?)(?:\.flac)?$"}}
    content = {"fileSet": {"@id": audio}, "extract": {"fileProperty": "content"}}
    made = [f"{count} {ORIGINS.get(origin, origin)}" for origin, count in sorted(facts.origins.items())]
    return {
        "@type": "cr:RecordSet",
        "@id": dataset,
        "name": dataset,
        "description": f"{facts.n_clips:,} samples of {dataset}, {facts.hours:,.2f} hours.",
        "key": {"@id": f"{dataset}/key"},
        "field": [
            _field(dataset, "key", "The key of the sample.", key) | {"references": _column(plan, "key")},
            _field(dataset, "audio", "The recording: mono, 48 kHz, 16-bit FLAC.", content, "sc:AudioObject")
            | _made_by(AUDIO_ACTIVITY)
            | {"prov:wasDerivedFrom": {"@id": f"{dataset}/url"}},
            *(_field(dataset, name, text, _column(plan, name)) for name, text in TEXTS.items()),
            *(_field(dataset, name, text, _column(plan, name), "sc:Float") for name, text in TIMES.items()),
            _field(dataset, "labels", "The labels.", _column(plan, "labels")) | {"repeated": True},
            _captions(dataset, plan) | _made_by(*made),
        ],
    }


def _captions(dataset: str, plan: str) -> dict[str, Any]:
    """Return the field of captions: each with its text, its origin and the model that wrote it, by whom PROV means."""
    parts = {
        "text": "The caption.",
        "origin": f"How it was made: {'; '.join(f'{k}: {v}' for k, v in ORIGINS.items())}.",
        "model": "The model.",
    }
    fields = []
    for name, text in parts.items():
        source = _column(plan, "captions") | {"transform": {"jsonPath": name}}
        field = _field(f"{dataset}/captions", name, text, source)
        fields.append(field | ({} if name == "text" else {"equivalentProperty": "prov:wasAttributedTo"}))
    return {
        "@type": "cr:Field",
        "@id": f"{dataset}/captions",
        "name": "captions",
        "description": "The captions, in their order.",
        "repeated": True,
        "subField": fields,
    }


def _field(above: str, name: str, text: str, source: dict[str, Any], kind: str = "sc:Text") -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": f"{above}/{name}", "name": name, "description": text, "dataType": kind, "source": source}


def _column(files: str, name: str) -> dict[str, Any]:
    return {"fileSet": {"@id": files}, "extract": {"column": name}}


def _made_by(*labels: str) -> dict[str, Any]:
    return {"prov:wasGeneratedBy": [{"@type": "prov:Activity", "prov:label": label} for label in labels]}


def _audio_of(dataset: str) -> str:
    return f"audio-of-{dataset}"


def _plan_of(dataset: str) -> str:
    return f"plan-of-{dataset}"

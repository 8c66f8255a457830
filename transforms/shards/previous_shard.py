"""Read a shard of an earlier build, so that its audio is copied and not fetched or decoded again."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

from pipeline.keys import stable_hash
from pipeline.output.books import SAMPLE, outcome_fault, read_books, rejection_from, sample_from
from pipeline.output.damage import DamagedFileError
from pipeline.output.evidence_files import read_evidence
from pipeline.output.layout import books_name, evidence_name, names_of, tar_name
from pipeline.output.markers import FileFacts, facts_of, read_marker
from pipeline.output.storage import Folder
from pipeline.output.tar_members import members_of_damaged
from pipeline.records import TRANSIENT, Clip, Evidence, Reason, Rejection, Sample, ShardId
from transforms.audio.encode import IN_MEMORY, long_flac
from transforms.audio.file_slice import FileSlice
from transforms.audio.flac_statistics import agrees, flac_statistics

MAX_JSON = 1 << 26  # bytes of a JSON that are read
Places = dict[str, tuple[int, int]]
"""Sample key -> position and size in bytes of a member of a tar."""
BLOCK = 1 << 20  # bytes: the part of a long FLAC that is in memory at once


def audio_request_hash(clip: Clip, settings_hash: str) -> str:
    """Return a hash that stays equal when only the text of a row changes, and changes when its audio could.

    Args:
        settings_hash: hash of the settings of the dataset.
    """
    cut = () if clip.file_start is None else (clip.file_start,)
    return stable_hash(settings_hash, clip.url, clip.start, clip.end, clip.audio_root, clip.id if clip.audio_root else "", *cut)[:16]


@dataclass(frozen=True)
class PreviousShard:
    """The outcomes of an earlier build, by sample key.

    `rows` are the rows of the books, `evidence` what hosts answered, `members` the position and size in bytes of each FLAC in the tar,
    `texts` of each JSON. FLAC too long for memory is copied to files in `work`. With `is_checked` a sample is copied only if its FLAC is
    intact and has the sound that its row records, and its JSON names the same recording.
    """

    folder: Folder
    tar: str
    work: Path
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, tuple[int, int]] = field(default_factory=dict)
    texts: dict[str, tuple[int, int]] = field(default_factory=dict)
    is_checked: bool = False
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    has_evidence: bool = False

    @cached_property
    def samples(self) -> frozenset[str]:
        """The keys of the samples; where the shard is checked, of those whose FLAC is intact."""
        if not self.is_checked:
            return frozenset(key for key, row in self.rows.items() if row["status"] == SAMPLE)
        return frozenset(self._intact())

    def _intact(self) -> Iterator[str]:
        for key, (offset, size) in self.members.items():
            row = self.rows.get(key)
            if row is not None and (row.get("status") != SAMPLE or row.get("flac_bytes") != size):
                continue
            with self.folder.open(self.tar) as tar:
                statistics = flac_statistics(cast("IO[bytes]", FileSlice(tar, offset, offset + size)))
            if statistics is not None and (row is None or (agrees(statistics, row) and self._names_recording(key, row))):
                yield key

    def _names_recording(self, key: str, row: dict[str, Any]) -> bool:
        """Return whether the JSON of a sample has the recording of its row; a JSON that is missing or broken contradicts nothing."""
        offset, size = self.texts.get(key, (0, 0))
        with self.folder.open(self.tar) as tar:
            tar.seek(offset)
            try:
                original = json.loads(tar.read(min(size, MAX_JSON)))["original_data"]
                named = [original["source_sha256"], original["source_format"]]
            except (ValueError, KeyError, TypeError):
                return True
        return named == [row["source_sha256"] or "", row["source_format"]]

    def reusable(
        self,
        clips: Sequence[Clip],
        settings_hash: str,
        in_other_shards: Mapping[str, str],
        replaced: Set[str] = frozenset(),
        tried_again: Set[Reason] = TRANSIENT,
    ) -> frozenset[str]:
        """Return the keys of the clips whose outcome a new build would not change.

        A clip that was left out as equal is made again when no other clip has its sound any more; so is a clip with one of the reasons
        `tried_again`, and every rejected clip of a shard that is checked.

        Args:
            clips: the rows of the shard, in order.
            in_other_shards: hash of the frames -> key of the clip of another shard that keeps the sound.
            replaced: keys of the clips whose recordings were replaced.
        """
        keys, sounds = set(), set(in_other_shards)
        for clip in clips:
            row = self.rows.get(clip.key)
            if row is None or clip.key in replaced or row["audio_request_hash"] != audio_request_hash(clip, settings_hash):
                continue
            if clip.key in self.samples:
                sounds.add(row["pcm_sha256"])
            elif self.is_checked or row["status"] == SAMPLE or not _is_final(row, sounds, tried_again):
                continue
            keys.add(clip.key)
        return frozenset(keys)

    def has(self, key: str) -> bool:
        """Return whether the outcome of a clip can be copied: that of a rejected clip, or an intact sample."""
        return key in self.rows and (self.rows[key]["status"] != SAMPLE or (key in self.samples and key in self.members))

    def outcome(self, clip: Clip) -> Sample | Rejection:
        """Return the outcome of a clip, with the text of `clip`."""
        row = self.rows[clip.key]
        outcome = sample_from(clip, self._flac(clip.key), row) if row["status"] == SAMPLE else rejection_from(clip, row)
        if outcome.provenance is None or clip.key not in self.evidence:
            return outcome
        return replace(outcome, provenance=replace(outcome.provenance, evidence=self.evidence[clip.key]))

    def _flac(self, key: str) -> bytes | Path:
        offset, size = self.members[key]
        with self.folder.open(self.tar) as tar:
            tar.seek(offset)
            if size <= IN_MEMORY:
                return tar.read(size)
            with long_flac(self.work) as copy:
                for at in range(0, size, BLOCK):
                    copy.write(tar.read(min(BLOCK, size - at)))
        return Path(copy.name)


def is_current(folder: Folder, shard: ShardId, clips: Sequence[Clip], settings_hash: str) -> bool:
    """Return whether a shard has the audio that a build would make of `clips` now; false when its books are missing or damaged."""
    try:
        books = read_books(folder, shard, ["key", "audio_request_hash"])
    except (FileNotFoundError, DamagedFileError):
        return False
    requests = dict(zip(books["key"].to_pylist(), books["audio_request_hash"].to_pylist(), strict=True))
    return all(requests.get(clip.key) == audio_request_hash(clip, settings_hash) for clip in clips)


def read_previous_shard(folder: Folder, shard: ShardId, work: Path, is_checked: bool = False) -> PreviousShard:
    """Return the outcomes that can be copied from a shard.

    Where its marker is missing or does not agree with the tar, every sample is checked before it is copied. Books that do not agree
    with the marker are not used.

    Args:
        work: local folder for FLAC that is too long for memory, and for the files of a shard in a store.
        is_checked: check every sample in any case.
    """
    if not folder.is_local:
        folder = folder.fetched(names_of(shard), Path(tempfile.mkdtemp(dir=work)))
    marker = read_marker(folder, shard)
    facts = [_facts(folder, name(shard)) for name in (tar_name, books_name)]
    is_checked = is_checked or marker is None or facts != [marker.tar, marker.parquet]
    rows = _rows(folder, shard) if marker is None or facts[1] == marker.parquet else {}
    members, texts, is_whole = _members(folder, tar_name(shard), rows)
    is_checked = is_checked or not is_whole or any(row["status"] == SAMPLE and key not in members for key, row in rows.items())
    evidence, has_evidence = read_evidence(folder, shard), folder.exists(evidence_name(shard))
    return PreviousShard(folder, tar_name(shard), work, rows, members, texts, is_checked, evidence, has_evidence)


def _facts(folder: Folder, name: str) -> FileFacts | None:
    try:
        return facts_of(folder, name)
    except (OSError, DamagedFileError):
        return None


def _rows(folder: Folder, shard: ShardId) -> dict[str, dict[str, Any]]:
    """Return the rows of the books that hold an outcome, by key; none where the books are missing or damaged."""
    try:
        table = read_books(folder, shard)
    except (DamagedFileError, OSError):
        return {}
    return {row["key"]: row for row in table.to_pylist() if outcome_fault(row) is None}


def _members(folder: Folder, name: str, rows: Mapping[str, dict[str, Any]]) -> tuple[Places, Places, bool]:
    """Return position and size of each FLAC and of each JSON of a tar by key, also behind damage.

    FLAC whose header is damaged gets the keys and sizes of the samples of the books that have no other FLAC, in their order: each is
    copied only if it has the sound of its row. The last value is whether every FLAC has its header.
    """
    nameless: list[int] = []
    places: dict[str, Places] = {"flac": {}, "json": {}}
    with contextlib.suppress(OSError, DamagedFileError), folder.open(name) as file:
        for member in members_of_damaged(file):
            if not member.name:
                nameless.append(member.at)
            elif member.ending in places:
                places[member.ending].setdefault(member.key, (member.at, member.size))
    without = [(key, row["flac_bytes"]) for key, row in rows.items() if row["status"] == SAMPLE and key not in places["flac"]]
    if len(without) == len(nameless):
        places["flac"] |= {key: (at, size) for at, (key, size) in zip(nameless, without, strict=True)}
    return places["flac"], places["json"], not nameless


def _is_final(row: dict[str, Any], sounds: Set[str], tried_again: Set[Reason]) -> bool:
    """Return whether a rejection would be the same in a new build, given the hashes of the sounds that other clips keep."""
    reason = row["reason"]
    if reason in tried_again:
        return False
    return reason != Reason.DUPLICATE or row["pcm_sha256"] in sounds

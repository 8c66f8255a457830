"""Remove clips from a set: from its plan, its shards and all other files, and from all later plans of it."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from pipeline.failures import UsageError
from pipeline.output.layout import NEW_PLAN, PLAN, README, REMOVED, REMOVING, REPORT, REPORTS
from pipeline.output.plan_files import read_rows_of
from pipeline.output.removals_file import Removable, Removal, Removals, removal_hash, removal_rows, write_removals
from pipeline.output.snapshot import Snapshot
from pipeline.output.storage import Folder
from pipeline.verbs.current_plan import standing_snapshot
from pipeline.verbs.find_removed import find_named, left_out_rows, planned_rows
from pipeline.verbs.finish_removal import NOTHING_DONE, Finished, finish_removal
from pipeline.verbs.removal_request import RemovalRequest, shown
from pipeline.verbs.same_clips import Found, with_same_clips
from pipeline.verbs.status import snapshot_of
from transforms.planning.leave_out_removed import names_of


@dataclass(frozen=True, slots=True)
class RemoveOutcome:
    """What was matched, what was done in the shards, and the reports that are gone since they named removed clips."""

    matched: Found
    finished: Finished = NOTHING_DONE
    reports: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as `remove --json` prints it."""
        clips = [
            {"dataset": row.dataset, "id": row.id, "shard": str(row.shard), "because": self.matched.because.get(name, "named")}
            for name, row in sorted(self.matched.clips.items())
        ]
        rows = [{"dataset": row.dataset, "id": row.id} for _, row in sorted(self.matched.left_out.items())]
        shards = {"changed": [shard.name for shard in self.finished.written], "damaged": [shard.name for shard in self.finished.damaged]}
        return {"clips": clips, "left_out": rows, "already_removed": self.matched.already, "shards": shards, "reports": list(self.reports)}


def what_would_go(request: RemovalRequest, folder: Folder) -> RemoveOutcome:
    """Return what `remove` would remove; raises as it does, and changes nothing."""
    snapshot = snapshot_of(folder)
    return RemoveOutcome(_found(request, snapshot, Removals.of(_known(folder))))


def remove(request: RemovalRequest, folder: Folder, why: str = "", now: float | None = None) -> RemoveOutcome:
    """Remove clips from a folder. May be killed anywhere: this, a build and every other command that writes there finish it.

    Args:
        why: recorded beside the hashes of what is removed.
        now: Unix time that is recorded; `None`: the time of the clock.

    Raises:
        UsageError: the request names what the folder does not have; nothing was changed.
        OutputFormatError: the folder has no plan, or one that this version cannot read.
        FolderInUseError: a build or another removal is running there.
        DamagedFileError: a file that is needed is damaged.
    """
    if not folder.names(PLAN) and not folder.names(NEW_PLAN):  # before the lock, which makes a folder
        snapshot_of(folder)
    removed_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    with folder.locked():
        standing_snapshot(folder)
        snapshot, known = snapshot_of(folder), _known(folder)
        matched = _found(request, snapshot, Removals.of(known))
        _check_why(why, request, matched)
        hashes = {(row.kind, row.sha256) for row in known}
        new = [Removal(*each, removed_at, why) for each in sorted(set(_hashes(request, matched, folder)) - hashes)]
        if not new and REMOVING not in snapshot.files:
            return RemoveOutcome(matched)
        reports = tuple(_remove_reports(matched, snapshot))
        write_removals([*known, *new], folder, REMOVING)
        return RemoveOutcome(matched, finish_removal(snapshot_of(folder)), reports)


def _found(request: RemovalRequest, snapshot: Snapshot, removals: Removals) -> Found:
    left_out = left_out_rows(snapshot)
    return with_same_clips(find_named(request, itertools.chain(planned_rows(snapshot), left_out), removals), left_out, snapshot)


def _known(folder: Folder) -> tuple[Removal, ...]:
    """Return all that was removed before."""
    return removal_rows(folder, REMOVING) or removal_rows(folder, REMOVED)


def _hashes(request: RemovalRequest, matched: Found, folder: Folder) -> Iterator[tuple[Removable, str]]:
    """Yield hashes for all that a request removes: of its clips, and of what later clips may have in common with them."""
    for shard in sorted({row.shard for row in matched.clips.values() if row.shard is not None}):
        for clip in read_rows_of(folder, shard):
            if (clip.dataset, clip.key) in matched.clips:
                named = (each for each in names_of(clip) if each[0] in {Removable.CLIP, Removable.EXCERPT})
                yield from ((kind, removal_hash(kind, *values)) for kind, values in named)
    for dataset, key in matched.left_out:
        yield Removable.CLIP, removal_hash(Removable.CLIP, dataset, key)
    yield from ((kind, removal_hash(kind, value)) for kind, values in request.values.items() for value in values)


def _check_why(why: str, request: RemovalRequest, matched: Found) -> None:
    """Refuse words about why that name a removed clip, or a value that it was named by: they are kept, and its id must be in no file."""
    rows = [*matched.clips.values(), *matched.left_out.values()]
    named_by = itertools.chain.from_iterable(request.values.values())
    words = {word for word in itertools.chain(named_by, *((row.id, row.key, row.url) for row in rows)) if word and word in why}
    named = sorted(word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", why))
    if named:
        raise UsageError(
            f"--why names {shown(named)}, which is removed: these words are kept in {REMOVED}; say it without; nothing was changed"
        )


def _remove_reports(matched: Found, snapshot: Snapshot) -> Iterator[str]:
    """Remove the reports that name a removed clip, and report.html, which may let it be heard; yield their names."""
    rows: Sequence = (*matched.clips.values(), *matched.left_out.values())
    words = {form for row in rows for word in (row.id, row.key, row.url) if word for form in written_forms(word)}
    for name in sorted(set(REPORTS) - {README, REMOVED}):
        if rows and name in snapshot.files and (name == REPORT or _holds(snapshot.folder.read(name), words)):
            snapshot.folder.remove(name)
            yield name


def _holds(data: bytes, words: Iterable[bytes]) -> bool:
    return any(word in data for word in words)


def written_forms(word: str) -> set[bytes]:
    """Return the bytes that a word may be written as in text, HTML, JSON, CSV and addresses.

    >>> sorted(written_forms("a<b"))
    [b'a%3Cb', b'a&lt;b', b'a<b']
    """
    in_html = (escape(word, quote=False), escape(word), escape(word).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"))
    in_json = (json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1])
    forms = (word, *in_html, *in_json, word.replace('"', '""'), quote(word), quote(word, safe=""))
    return {form.encode("utf-8", "surrogatepass") for form in forms}

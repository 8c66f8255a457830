"""Check the file of what hosts answered about the recordings of a shard. No hash covers it, and a shard without it is complete."""

from __future__ import annotations

from pipeline.output.damage import DamagedFileError
from pipeline.output.evidence_files import checked_evidence
from pipeline.output.layout import evidence_name
from pipeline.output.storage import Folder
from pipeline.records import ShardId
from pipeline.verbs.verify_fault import REMOVE, Fault, unread


def check_evidence(folder: Folder, shard: ShardId) -> list[Fault]:
    """Return the fault of a file of evidence that cannot be read; none where there is no such file."""
    try:
        checked_evidence(folder, shard)
    except FileNotFoundError:
        return []
    except (DamagedFileError, OSError) as error:
        return [Fault(shard, None, evidence_name(shard), unread(error), REMOVE)]
    return []

"""Check a tar of samples byte by byte: its headers, the order of its members, its end, and each member against plan and books."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from pipeline.output.damage import DamagedFileError
from pipeline.output.storage import Folder
from pipeline.output.tar_members import Flaw, Member, shown_name, tar_members
from pipeline.verbs.verify_audio import STREAMINFO_END, decoded_findings, header_findings
from pipeline.verbs.verify_fault import Finding, why
from pipeline.verbs.verify_json import different_json, unusable_json
from transforms.audio.file_slice import FileSlice

KEY = re.compile(r"[a-z0-9_-]+")
MAX_JSON = 1 << 26  # bytes; a larger JSON member is not read


@dataclass(frozen=True, slots=True)
class ExpectedSample:
    """A sample that the tar must hold: its row of the books, and the bytes of its JSON (`None` where the plan cannot be read)."""

    key: str
    row: Mapping[str, Any]
    json: bytes | None


def check_tar(folder: Folder, name: str, samples: Sequence[ExpectedSample] | None, deep: bool) -> tuple[list[Finding], list[str]]:
    """Return what is wrong with a tar, and the keys of its samples in order.

    Args:
        samples: those that it must hold, in order; `None` where neither plan nor books can be read.
        deep: decode all audio.
    """
    findings: list[Finding] = []
    keys: list[str] = []
    by_key = {sample.key: sample for sample in samples or ()}
    last_flac: str | None = None
    try:
        with folder.open(name) as file:
            for member in tar_members(file):
                if isinstance(member, Flaw):
                    in_member = f"{shown_name(member.name)}: " if member.name else ""
                    findings.append(Finding(_key_of(member.name), f"{in_member}{member.what}"))
                    continue
                sample = by_key.get(member.key)
                whats = [*_pair_findings(member, last_flac), *_content_findings(file, member, sample, deep)]
                findings += [Finding(_key_of(member.name), f"{shown_name(member.name)}: {what}") for what in whats]
                keys += [member.key] if member.ending == "json" and member.key == last_flac else []
                last_flac = member.key if member.ending == "flac" else None
    except FileNotFoundError:
        return [Finding(None, "missing")], keys
    except (OSError, DamagedFileError) as error:
        findings.append(Finding(None, f"cannot be read ({why(error)})"))
        return findings, keys
    if last_flac is not None:
        findings.append(Finding(last_flac, f"{shown_name(last_flac)}.flac has no JSON after it"))
    return findings + list(_key_findings(keys, samples)), keys


def _pair_findings(member: Member, last_flac: str | None) -> Iterator[str]:
    """Yield what is wrong with the name of a member after the FLAC of the key `last_flac`, if that was the last member."""
    if not KEY.fullmatch(member.key):
        yield "a key may hold only a-z, 0-9, _ and -"
    if member.ending == "flac":
        if last_flac is not None:
            yield f"comes where {shown_name(last_flac)}.json should be"
    elif member.ending != "json":
        yield "neither .flac nor .json"
    elif member.key != last_flac:
        yield "has no FLAC before it"


def _content_findings(file: IO[bytes], member: Member, sample: ExpectedSample | None, deep: bool) -> Iterator[str]:
    """Yield how the data of a member differs from what it must be."""
    row = sample.row if sample is not None else None
    file.seek(member.at)
    if member.ending == "flac":
        if row is not None and member.size != row["flac_bytes"]:
            yield f"has {member.size} bytes, the books say {row['flac_bytes']}"
        wrong = list(header_findings(file.read(min(member.size, STREAMINFO_END)), row))
        yield from wrong
        if deep and not wrong:
            yield from decoded_findings(FileSlice(file, member.at, member.at + member.size), row)
    elif member.ending == "json":
        if member.size > MAX_JSON:
            yield f"has {member.size} bytes, more than any JSON of a sample"
            return
        data = file.read(member.size)
        yield from different_json(data, sample.json) if sample is not None and sample.json is not None else unusable_json(data)


def _key_findings(keys: Sequence[str], samples: Sequence[ExpectedSample] | None) -> Iterator[Finding]:
    """Yield keys that occur more than once, are missing, or are too many; and else where the order is not that of the plan."""
    counts = Counter(keys)
    yield from (Finding(key, f"key {shown_name(key)} occurs {count} times") for key, count in counts.items() if count > 1)
    if samples is None:
        return
    wanted = [sample.key for sample in samples]
    yield from (Finding(key, "is missing, the books say it is a sample") for key in wanted if key not in counts)
    yield from (Finding(key, "is in the tar, the books do not say it is a sample") for key in counts if key not in set(wanted))
    if counts == Counter(wanted):
        moved = next((key for key, other in zip(keys, wanted, strict=True) if key != other), None)
        if moved is not None:
            yield Finding(moved, "is not where the order of the plan has it")


def _key_of(name: str) -> str | None:
    """Return the key of a member, `None` where its name holds none."""
    key = name.rpartition(".")[0]
    return key if KEY.fullmatch(key) else None

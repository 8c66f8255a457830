"""Hand-written captions before and after de-biasing, in sections that `augment_debias_cases.tsv` names."""

from __future__ import annotations

from pathlib import Path

CASES = Path(__file__).parent / "augment_debias_cases.tsv"


def cases(*sections: str) -> list[tuple[str, str]]:
    """Return (before, after) of all captions, or of the sections whose names begin with one of `sections`."""
    pairs, section = [], ""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line.startswith("# --- "):
            section = line.removeprefix("# --- ")
        elif line and not line.startswith("#") and (not sections or section.startswith(sections)):
            before, _, after = line.partition("\t")
            pairs.append((before, after or before))
    return pairs

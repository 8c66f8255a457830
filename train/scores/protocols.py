"""The published ways to score a test set. A folder of shards is scored by the protocol that has its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

PROMPT = "This is a sound of {label}."  # Wu et al. 2023, section 4.3
PROMPTS = (PROMPT, "this is the sound of {label}", "The sound of {label}.", "{label}")
"""Prompts of several papers: CLAP, MS-CLAP 2023, the template of CLAP's captions (section 3.2), and AudioCLIP, the bare name."""


@dataclass(frozen=True)
class Protocol:
    """How a test set is scored.

    folders: names of the set's folder, in lower case. n_clips: by split, as published; empty if any number is right. n_captions: of each
    clip; 0 if any number is right. fold: finds the number of the fold in address and key of a clip; None without folds.
    """

    name: str
    kind: Literal["retrieval", "accuracy", "mAP"]
    folders: tuple[str, ...] = ()
    n_clips: Mapping[str, int] = field(default_factory=dict)
    n_captions: int = 0
    fold: re.Pattern[str] | None = None

    def classes(self) -> list[str]:
        """Return the names of all classes, sorted, whether the clips at hand have them or not."""
        return (Path(__file__).parent / "classes" / f"{self.name}.txt").read_text(encoding="utf-8").splitlines()

    def fold_of(self, address: str, key: str) -> int:
        """Return the fold of a clip, from 1, or 0 if neither the address of its recording nor its key has it."""
        match = self.fold.search(f"{address} {key}") if self.fold else None
        return int(match[1]) if match else 0


RETRIEVAL = Protocol("retrieval", "retrieval")
PUBLISHED = (
    Protocol("audiocaps", "retrieval", ("audiocaps",), {"valid": 495, "test": 975}, n_captions=5),  # Kim et al. 2019
    Protocol("clotho", "retrieval", ("clotho",), {"valid": 1045, "test": 1045}, n_captions=5),  # Drossos et al. 2020, version 2.1
    Protocol("esc50", "accuracy", ("esc50", "esc-50"), {"test": 2000}, fold=re.compile(r"\b([1-5])-\d+-[a-z]-\d+\b", re.I)),  # Piczak 2015
    Protocol("us8k", "accuracy", ("urbansound8k", "us8k"), {"test": 8732}, fold=re.compile(r"\bfold(\d+)\b")),  # Salamon et al. 2014
    Protocol("vggsound", "accuracy", ("vggsound",), {"test": 15_446}),  # Chen et al. 2020
    Protocol("fsd50k", "mAP", ("fsd50k", "fsd50k_class_label"), {"valid": 4170, "test": 10_231}),  # Fonseca et al. 2022
)
PROTOCOLS = {protocol.name: protocol for protocol in (RETRIEVAL, *PUBLISHED)}


def protocol_of(dataset: str) -> Protocol:
    """Return the protocol of a folder's name; retrieval if there is no other.

    >>> protocol_of("UrbanSound8K").name, protocol_of("my-sounds").name
    ('us8k', 'retrieval')
    """
    return next((protocol for protocol in PUBLISHED if dataset.lower() in protocol.folders), RETRIEVAL)


def class_key(name: str) -> str:
    """Return what two spellings of a class have in common.

    >>> class_key("Gunshot, gunfire") == class_key("Gunshot_and_gunfire"), class_key("dog_bark")
    (True, 'dog bark')
    """
    return " ".join(word for word in re.findall(r"\w+", name.replace("_", " ").lower()) if word != "and")

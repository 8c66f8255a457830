"""MACS: every annotated file is a clip with the sentences of its annotators."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Caption, Clip, Reason
from sources import macs
from tests.official_tables import options_of, outcomes_of, written

YAML = """\
files:
- filename: airport-barcelona-0-0-a.wav
  annotations:
  - annotator_id: 30
    sentence: adults talking, and footsteps
    tags: [adults_talking, footsteps]
  - annotator_id: 31
    sentence: 'a crowd: people talk'
    tags:
    - footsteps
    - siren
"""


def test_an_annotated_file_is_a_clip_with_all_sentences_and_tags(tmp_path: Path) -> None:
    (clip,), rejections = outcomes_of("macs", written(tmp_path, MACS__yaml=YAML))
    assert not rejections
    assert clip == Clip(
        source="macs",
        dataset="MACS",
        split="train",
        id="airport-barcelona-0-0-a",
        url="airport-barcelona-0-0-a.wav",
        captions=(Caption("adults talking, and footsteps"), Caption("a crowd: people talk")),
        labels=("adults talking", "footsteps", "siren"),
        recording="MACS:airport-barcelona-0-0-a",
        audio_root=".",
        row_number=1,
    )


@pytest.mark.parametrize(
    ("entry", "reason", "message"),
    [
        ("- 7", Reason.BAD_ROW, "a filename and a list of annotations are needed"),
        ("- filename: a.wav", Reason.BAD_ROW, "a filename and a list of annotations are needed"),
        ("- {annotations: []}", Reason.BAD_ROW, "filename '' is not the name of a file"),
        ("- {filename: ../a.wav, annotations: []}", Reason.BAD_ROW, "filename '../a.wav' is not the name of a file"),
        ("- {filename: [a, b], annotations: []}", Reason.BAD_ROW, "filename holds a list"),
        ("- {filename: a.wav, annotations: [x]}", Reason.BAD_ROW, "annotations must be at most 100 mappings"),
        ("- {filename: a.wav, annotations: [{sentence: ''}]}", Reason.NO_TEXT, "no annotation has a sentence"),
        ("- {filename: a.wav, annotations: []}", Reason.NO_TEXT, "no annotation has a sentence"),
        (f"- {{filename: a.wav, annotations: [{'{sentence: x}, ' * 101}]}}", Reason.BAD_ROW, "annotations must be at most 100 mappings"),
    ],
)
def test_a_bad_entry_is_rejected_with_file_and_number(entry: str, reason: Reason, message: str, tmp_path: Path) -> None:
    clips, (rejection,) = outcomes_of("macs", written(tmp_path, MACS__yaml=f"{YAML}{entry}\n"))
    assert len(clips) == 1
    assert rejection.reason is reason and rejection.detail.startswith(f"MACS.yaml, row 2: {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("files: {}\n", r"a list `files` is needed: is it MACS\.yaml"),
        ("- a\n", r"a list `files` is needed"),
        ("", r"a list `files` is needed"),
        ("files: [\n", "not YAML"),
        ("files: &a [*a]\n", "an alias"),
        (b"files: \xff\n", "not YAML"),
    ],
)
def test_another_file_is_refused(content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        macs.check(options_of("macs", written(tmp_path, MACS__yaml=content)))


def test_a_file_larger_than_any_macs_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "MACS.yaml").open("wb") as file:
        file.truncate(macs.MAX_BYTES + 1)
    with pytest.raises(ValueError, match=r"at most 67108864 are read: is it MACS\.yaml"):
        macs.check(options_of("macs", tmp_path))

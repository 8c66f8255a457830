"""The members of a tar depend on the samples alone, and every sample of a dataset has the same keys."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.output.sample_files import TarWriter, sample_json
from pipeline.records import Caption, Provenance, TextHolds
from tests.outcomes import clip, sample

PLAIN = Caption("A dog barks.")
DOG = Caption("Dog.", "template")
BY_T5 = Caption("A dog barks loudly.", "t5", "model", "dog, bark")


def packed(path: Path, *samples: object) -> list[tuple[tarfile.TarInfo, bytes]]:
    with TarWriter(path) as tar:
        for each in samples:
            tar.add(each)  # type: ignore[arg-type]
    with tarfile.open(path, "r:") as tar:
        return [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]


def test_each_sample_is_a_flac_and_a_json_in_the_order_of_the_samples(tmp_path: Path) -> None:
    samples = [sample("b", flac=b"fLaC b"), sample("a", flac=b"fLaC a")]
    members = packed(tmp_path / "t.tar", *samples)
    assert [member.name for member, _ in members] == ["table-b.flac", "table-b.json", "table-a.flac", "table-a.json"]
    assert [data for _, data in members][::2] == [b"fLaC b", b"fLaC a"]
    assert [json.loads(data) for _, data in members[1::2]] == [sample_json(each) for each in samples]


@pytest.mark.parametrize("most", [10**9, 700])
def test_a_tar_has_the_bytes_that_tarfile_writes_also_where_the_system_writes_a_part(
    tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.writev

    def write_a_part(descriptor: int, parts: list[Any]) -> int:
        return write(descriptor, [b"".join(parts)[:most]])

    monkeypatch.setattr(os, "writev", write_a_part)
    chance = os.urandom(5000)
    long = tmp_path / "long.flac"
    long.write_bytes(chance)
    samples = [sample("a", flac=chance[:512]), sample("b", flac=b"f"), sample("c", flac=long), sample("d", flac=chance[:1023])]
    with TarWriter(tmp_path / "t.tar") as tar:
        for each in samples:
            tar.add(each)
    expected = io.BytesIO()
    with tarfile.open(fileobj=expected, mode="w", format=tarfile.USTAR_FORMAT) as other:
        for each, flac in zip(samples, (chance[:512], b"f", chance, chance[:1023]), strict=True):
            for name, data in ((f"{each.clip.key}.flac", flac), (f"{each.clip.key}.json", json.dumps(sample_json(each)).encode())):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                other.addfile(member, io.BytesIO(data))
    written = (tmp_path / "t.tar").read_bytes()
    assert written == expected.getvalue()
    assert (tar.n_bytes, tar.sha256) == (len(written), hashlib.sha256(written).hexdigest())


def test_members_have_no_times_and_no_owners(tmp_path: Path) -> None:
    long = tmp_path / "long.flac"
    long.write_bytes(b"fLaC long")
    members = packed(tmp_path / "t.tar", sample("a"), sample("b", flac=long))
    facts = {(each.mtime, each.uid, each.gid, each.uname, each.gname, each.mode, each.type) for each, _ in members}
    assert facts == {(0, 0, 0, "", "", 0o644, tarfile.REGTYPE)}


def test_a_tar_is_ustar_without_extended_headers(tmp_path: Path) -> None:
    packed(tmp_path / "t.tar", sample("a"))
    data = (tmp_path / "t.tar").read_bytes()
    assert data[257:265] == b"ustar\x0000"
    assert len(data) == tarfile.RECORDSIZE
    with pytest.raises(ValueError, match="too long"), TarWriter(tmp_path / "x.tar") as tar:
        tar.add(sample(clip(source="s" * 200)))


def test_equal_samples_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        packed(tmp_path / name, sample("a"), sample("b"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_long_flac_is_packed_from_its_file_and_the_file_is_removed(tmp_path: Path) -> None:
    long = tmp_path / "long.flac"
    long.write_bytes(b"fLaC" + bytes(5000))
    (flac, data), _ = packed(tmp_path / "t.tar", sample("a", flac=long))
    assert (flac.name, flac.size, data) == ("table-a.flac", 5004, b"fLaC" + bytes(5000))
    assert not long.exists()


def test_json_is_utf_8_without_escapes(tmp_path: Path) -> None:
    members = packed(tmp_path / "t.tar", sample(clip(captions=(Caption("Ein Bär brüllt."),))))
    assert "Ein Bär brüllt.".encode() in members[1][1]


def test_a_tar_is_closed_after_a_failure_and_has_no_end(tmp_path: Path) -> None:
    with pytest.raises(KeyError), TarWriter(tmp_path / "t.tar") as tar:
        tar.add(sample("a"))
        raise KeyError
    with pytest.raises(ValueError, match="closed file"):
        tar.add(sample("b"))
    assert (tmp_path / "t.tar").stat().st_size == 2048


def test_the_json_holds_every_fact_of_the_sample() -> None:
    whose = clip(
        "a", title="T", license="CC0", creator="C", start=0.5, end=1.0, labels=("x", "y"), captions=(Caption("N.", before_debias="B."),)
    )
    assert sample_json(sample(whose)) == {
        "text": ["N."],
        "tag": ["x", "y"],
        "original_data": {
            "id": "a",
            "source": "table",
            "split": "train",
            "title": "T",
            "url": "a.wav",
            "start": 0.5,
            "end": 1.0,
            "license": "CC0",
            "creator": "C",
            "duration": 0.5,
            "source_sha256": "5a",
            "source_format": "wav/pcm_16",
            "captions": [{"text": "N.", "origin": "human", "model": "", "prompt": "", "before_debias": "B."}],
        },
    }


def test_what_is_missing_has_the_type_of_what_is_there() -> None:
    value = sample_json(replace(sample(clip(captions=())), provenance=Provenance()))["original_data"]
    assert (value["title"], value["license"], value["creator"], value["source_sha256"]) == ("", "", "", "")
    assert (value["start"], value["end"], value["captions"]) == (0.0, 0.5, [])
    assert sample_json(sample(clip(start=1.25)))["original_data"]["end"] == 1.75


@pytest.mark.parametrize(
    ("text_holds", "captions", "text", "everything", "augmented"),
    [
        (TextHolds.ALL, (PLAIN, BY_T5), [PLAIN.text, BY_T5.text], [PLAIN.text, BY_T5.text], [BY_T5.text]),
        (TextHolds.T5, (PLAIN, BY_T5), [BY_T5.text], [PLAIN.text, BY_T5.text], [BY_T5.text]),
        (TextHolds.OTHERS, (PLAIN, BY_T5), [PLAIN.text], [PLAIN.text, BY_T5.text], [BY_T5.text]),
        (TextHolds.OTHERS, (BY_T5,), [BY_T5.text], [BY_T5.text], [BY_T5.text]),
        *((holds, (PLAIN,), [PLAIN.text], [PLAIN.text], [PLAIN.text]) for holds in TextHolds),
        *((holds, (PLAIN, DOG), ["A dog barks.", "Dog."], ["A dog barks.", "Dog."], ["A dog barks.", "Dog."]) for holds in TextHolds),
    ],
)
def test_captions_by_a_t5_have_names_of_their_own(
    text_holds: TextHolds, captions: tuple[Caption, ...], text: list[str], everything: list[str], augmented: list[str]
) -> None:
    value = sample_json(sample(clip(captions=captions, text_holds=text_holds)))
    assert (value["text"], value["text_augment_all"], value["text_augment_t5"]) == (text, everything, augmented)


def read_as_laion_clap_does(member: dict[str, Any], selection: str | None) -> list[str]:
    """Return the texts that laion_clap 1.1.7 draws from: null counts for `augment_only` alone, and one key decides about both."""
    if selection is None or "text_augment_all" not in member:
        return member["text"]
    if selection == "all":
        return member["text_augment_all"]
    return member["text"] if member["text_augment_t5"] is None else member["text_augment_t5"]


@pytest.mark.parametrize("text_holds", TextHolds)
def test_laion_clap_reads_every_text_where_no_t5_wrote_one_and_the_t5s_alone_where_it_did(text_holds: TextHolds) -> None:
    without = sample_json(sample(clip(captions=(PLAIN, DOG), text_holds=text_holds)))
    assert [read_as_laion_clap_does(without, selection) for selection in (None, "all", "augment_only")] == [[PLAIN.text, DOG.text]] * 3
    with_t5 = sample_json(sample(clip(captions=(PLAIN, BY_T5), text_holds=text_holds)))
    assert read_as_laion_clap_does(with_t5, "all") == [PLAIN.text, BY_T5.text]
    assert read_as_laion_clap_does(with_t5, "augment_only") == [BY_T5.text]
    assert {type(value) for name, value in {**without, **with_t5}.items() if name.startswith("text")} == {list}


def test_without_a_t5_there_are_no_augmented_texts() -> None:
    value = sample_json(replace(sample("a"), clip=clip(captions=(PLAIN, Caption("Dog.", "template")))))
    assert value["text"] == ["A dog barks.", "Dog."]
    assert list(value) == ["text", "tag", "original_data"]

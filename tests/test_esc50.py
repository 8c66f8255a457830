"""ESC-50: clips with fold, sound and attribution; nothing is needed from the user; broken rows and other tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejection
from sources import esc50

HEADER = "filename,fold,target,category,esc10,src_file,take\n"
ROW = "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
OTHER = "5-253085-B-30.wav,5,30,door_wood_knock,False,253085,B\n"
LICENSE = """# ESC-50
101 - Dog:
- [1-100032-A.ogg]: clip derived from rose (2)_bark.wav (http://www.freesound.org/people/nfrae/sounds/100032/) by nfrae [CC0]
- [5-253085-Bx.ogg]:  clip derived from [Sy\\xf6v\\xe4t](http://www.freesound.org/people/Yle%20A/sounds/253085/) by Yle A [CC-BY-NC]
- [2-1-A.ogg]: nonsense
"""


def options(base: Path, **more: object) -> esc50.Options:
    return esc50.Options(source="esc50", base=base, **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))


def write(folder: Path, *rows: str, license_text: str | None = LICENSE) -> None:
    (folder / "meta").mkdir(parents=True, exist_ok=True)
    (folder / "meta" / "esc50.csv").write_text(HEADER + "".join(rows))
    if license_text is not None:
        (folder / "LICENSE").write_text(license_text)


def test_a_row_becomes_a_clip_with_the_attribution_of_its_sound(tmp_path: Path) -> None:
    write(tmp_path / "esc50", ROW, OTHER)
    esc50.check(options(tmp_path))
    first, second = esc50.read(options(tmp_path))
    assert first == Clip(
        source="esc50",
        dataset="esc50",
        split="test",
        id="1-100032-A-0",
        url=f"{esc50.REPOSITORY}/audio/1-100032-A-0.wav",
        labels=("dog",),
        title="rose (2)_bark.wav",
        license="CC0-1.0",
        creator="nfrae",
        recording="freesound:100032",
        row_number=1,
    )
    assert isinstance(second, Clip)
    assert (second.labels, second.title, second.creator) == (("door wood knock",), "[Syövät]", "Yle A")


def test_without_attributions_a_clip_has_the_licence_of_the_set_or_of_esc_10(tmp_path: Path) -> None:
    write(tmp_path / "esc50", ROW, OTHER, license_text=None)
    assert [outcome.license for outcome in esc50.read(options(tmp_path)) if isinstance(outcome, Clip)] == ["CC-BY-3.0", "CC-BY-NC-3.0"]


def test_nothing_is_needed_from_the_user_and_both_tables_have_checksums(tmp_path: Path) -> None:
    needs = esc50.needs(options(tmp_path))
    assert [need.where for need in needs] == [None, None, None]
    assert [need.download is not None and len(need.download.sha256 or "") for need in needs] == [64, 64, False]
    assert [need.is_required for need in needs] == [True, False, False]


def test_the_unpacked_archive_is_searched_for_clips_first(tmp_path: Path) -> None:
    write(tmp_path / "esc50" / "ESC-50-master", ROW)
    (tmp_path / "esc50" / "ESC-50-master" / "audio").mkdir()
    (clip,) = esc50.read(options(tmp_path))
    assert isinstance(clip, Clip) and clip.audio_root == "esc50/ESC-50-master/audio" and clip.creator == "nfrae"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1-100032-A-0.wav,1,0,dog,True,7,A", "filename '1-100032-A-0.wav' is not the name of a clip of sound 7"),
        ("../x.wav,1,0,dog,True,100032,A", "filename '../x.wav' is not the name of a clip"),
        ("1-100032-A-0.wav,2,0,dog,True,100032,A", "fold is not that of the name"),
        ("1-100032-A-0.wav,1,0,,True,100032,A", "category is empty"),
        ("1-100032-A-0.wav,1,0,dog,True,x,A", "src_file 'x' is not the number"),
        ("1-100032-A-0.wav,1", "2 cells where the header has 7"),
    ],
)
def test_a_bad_row_is_rejected_with_its_number(row: str, message: str, tmp_path: Path) -> None:
    write(tmp_path / "esc50", ROW, f"{row}\n")
    good, bad = esc50.read(options(tmp_path))
    assert isinstance(good, Clip)
    assert isinstance(bad, Rejection) and bad.reason is Reason.BAD_ROW
    assert bad.detail.startswith("esc50.csv, row 2: ") and message in bad.detail


def test_a_table_as_excel_writes_it_is_read(tmp_path: Path) -> None:
    write(tmp_path / "esc50", license_text=None)
    text = (HEADER + ROW.replace("True", "TRUE")).replace("\n", "\r\n")
    (tmp_path / "esc50" / "meta" / "esc50.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (clip,) = esc50.read(options(tmp_path))
    assert isinstance(clip, Clip) and clip.license == "CC-BY-3.0"


def test_another_table_is_refused_by_the_name_of_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "esc50.csv").write_text("slice_file_name,fsID\n")
    with pytest.raises(ValueError, match=r"no column filename.*is it meta/esc50\.csv \(table of clips\)"):
        esc50.check(options(tmp_path))


def test_fingerprint_changes_with_table_attributions_and_the_folder_of_clips(tmp_path: Path) -> None:
    write(tmp_path / "esc50", ROW, license_text=None)
    prints = [esc50.fingerprint(options(tmp_path))]
    write(tmp_path / "esc50", ROW)
    prints.append(esc50.fingerprint(options(tmp_path)))
    write(tmp_path / "esc50", ROW, OTHER)
    prints.append(esc50.fingerprint(options(tmp_path)))
    (tmp_path / "esc50" / "audio").mkdir()
    prints.append(esc50.fingerprint(options(tmp_path)))
    assert len(set(prints)) == 4

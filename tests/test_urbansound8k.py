"""UrbanSound8K: slices by fold, the Freesound sound behind each, and broken rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from pipeline.records import Clip, Reason, Rejection
from sources import urbansound8k
from tests.fates import build_into, tone

HEADER = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
ROW = "100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark\n"


def options(base: Path, **more: object) -> urbansound8k.Options:
    return urbansound8k.Options(source="urbansound8k", base=base, **more)  # type: ignore[arg-type]


def table(path: Path, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(rows))


def test_a_slice_is_a_file_of_its_own_and_keeps_its_fold_and_its_sound(tmp_path: Path) -> None:
    table(tmp_path / "urbansound8k" / "metadata" / "UrbanSound8K.csv", ROW)
    (tmp_path / "urbansound8k" / "FREESOUNDCREDITS.txt").write_text("Sounds:\n100032 by nfrae\n")
    urbansound8k.check(options(tmp_path))
    assert list(urbansound8k.read(options(tmp_path))) == [
        Clip(
            source="urbansound8k",
            dataset="UrbanSound8K",
            split="test",
            id="100032-3-0-0",
            url="urbansound8k/audio/fold5/100032-3-0-0.wav",
            labels=("dog bark",),
            license="CC-BY-NC-3.0",
            creator="nfrae",
            recording="freesound:100032",
            row_number=1,
        )
    ]


@pytest.mark.parametrize("path", ["UrbanSound8K.csv", "tables/UrbanSound8K.csv"])
def test_the_table_may_be_named_or_lie_beside_the_recipe(path: str, tmp_path: Path) -> None:
    table(tmp_path / path, ROW)
    given = options(tmp_path, path=path) if "/" in path else options(tmp_path)
    assert len(list(urbansound8k.read(given))) == 1
    paths = {need.what: need.where for need in urbansound8k.needs(given)}
    assert (
        tmp_path / path in paths.values()
        and paths[f"slices, fold1 to fold10: audio or UrbanSound8K/audio in {Path(path).parent if '/' in path else 'urbansound8k'}"] is None
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("100032-3-0-0.wav,7,0,1,1,5,3,dog_bark", "slice_file_name '100032-3-0-0.wav' is not the name of a slice of sound 7"),
        ("../../100032-3-0-0.wav,100032,0,1,1,5,3,dog_bark", "is not the name of a slice"),
        ("100032-3-0-0.wav,,0,1,1,5,3,dog_bark", "fsID '' is not the number"),
        ("100032-3-0-0.wav,100032,0,1,1,11,3,dog_bark", "fold '11' is not a number from 1 to 10"),
        ("100032-3-0-0.wav,100032,0,1,1,../1,3,dog_bark", "fold '../1' is not a number"),
        ("100032-3-0-0.wav,100032,0,1,1,5,3,cat", "class 'cat' is none of the ten classes"),
        ("100032-3-0-0.wav,100032,0,1,1,5,3", "7 cells where the header has 8"),
    ],
)
def test_a_bad_row_is_rejected_with_its_number(row: str, message: str, tmp_path: Path) -> None:
    table(tmp_path / "UrbanSound8K.csv", ROW, f"{row}\n", ROW.replace("-0.wav", "-1.wav"))
    good, bad, other = urbansound8k.read(options(tmp_path))
    assert isinstance(good, Clip) and isinstance(other, Clip)
    assert isinstance(bad, Rejection) and bad.reason is Reason.BAD_ROW
    assert bad.detail.startswith("UrbanSound8K.csv, row 2: ") and message in bad.detail


def test_another_table_is_refused_by_the_name_of_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "UrbanSound8K.csv").write_text("filename,fold,target,category\n")
    with pytest.raises(ValueError, match=r"no column slice_file_name.*is it metadata/UrbanSound8K\.csv \(table of slices\)"):
        urbansound8k.check(options(tmp_path))


RECIPE = '[[sources]]\nsource = "urbansound8k"\n'


def slices(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        soundfile.write(folder / name, tone(440 + 50 * number, 0.3, 16_000), 16_000)


@pytest.mark.parametrize("root", ["urbansound8k/audio/fold5", "urbansound8k/UrbanSound8K/audio/fold5", "slices"])
def test_slices_are_built_from_the_archive_as_it_unpacks_and_from_audio_root(root: str, tmp_path: Path) -> None:
    table(tmp_path / "UrbanSound8K.csv", ROW, ROW.replace("100032", "100263"))
    slices(tmp_path / root, "100032-3-0-0.wav")
    extra = 'audio_root = "slices"\n' if root == "slices" else ""
    (tmp_path / "r.toml").write_text(f'name = "r"\n{RECIPE}{extra}')
    books = build_into(tmp_path / "out", tmp_path / "r.toml").books
    assert books.datasets["UrbanSound8K"].samples == 1
    assert dict(books.datasets["UrbanSound8K"].reasons) == {"not_found": 1}


def test_slices_of_one_sound_are_samples_of_their_own(tmp_path: Path) -> None:
    table(tmp_path / "UrbanSound8K.csv", ROW, ROW.replace("-0.wav", "-1.wav"))
    slices(tmp_path / "urbansound8k" / "audio" / "fold5", "100032-3-0-0.wav", "100032-3-0-1.wav")
    (tmp_path / "r.toml").write_text(f'name = "r"\n{RECIPE}')
    assert build_into(tmp_path / "out", tmp_path / "r.toml").books.datasets["UrbanSound8K"].samples == 2

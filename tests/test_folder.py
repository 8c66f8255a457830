"""A folder of recordings -> clips: captions.csv, side-cars, names of folders."""

import json
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejection
from sources import folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("top.wav", "dog/bark.WAV", "dog/howl.flac", "cat/purr.mp3", "cat/notes.pdf"):
        place(tmp_path / "sounds" / name)
    return tmp_path / "sounds"


def place(path: Path, text: str | bytes = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def options(root: Path, **keys) -> folder.Options:
    return folder.Options(source="folder", dataset="F", base=root.parent, root=root.name, **keys)


def read(root: Path, **keys) -> dict[str, Clip | Rejection]:
    outcomes = list(folder.read(options(root, **keys)))
    named = {outcome.id if isinstance(outcome, Clip) else outcome.clip.id: outcome for outcome in outcomes}
    assert len(named) == len(outcomes)
    return named


def texts(clip: Clip) -> list[str]:
    return [caption.text for caption in clip.captions]


def test_the_name_of_the_parent_folder_is_the_label(root):
    found = read(root)
    assert {name: clip.labels for name, clip in found.items()} == {
        "cat/purr.mp3": ("cat",),
        "dog/bark.WAV": ("dog",),
        "dog/howl.flac": ("dog",),
        "top.wav": (),
    }
    assert found["dog/bark.WAV"].url == "sounds/dog/bark.WAV"
    assert {clip.split for clip in found.values()} == {"train"}


def test_a_side_car_is_used_before_the_name_of_the_folder(root):
    told = {"text": ["A bark", ""], "tags": "dog;yard", "license": "CC0", "creator": "Ada", "title": "Rex", "split": "test"}
    place(root / "dog/bark.json", json.dumps(told))
    place(root / "dog/bark.txt", "not read")
    place(root / "dog/howl.txt", "\ufeffA howl\n\nA long howl\n")
    found = read(root)
    bark = found["dog/bark.WAV"]
    assert (texts(bark), bark.labels, bark.license, bark.creator, bark.title) == (["A bark"], ("dog", "yard"), "CC0-1.0", "Ada", "Rex")
    assert bark.split == "test"
    assert (texts(found["dog/howl.flac"]), found["dog/howl.flac"].labels) == (["A howl", "A long howl"], ())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bark.json", "{", "bark.json: "),
        ("bark.json", "[1]", "bark.json: a JSON object is needed, not a list"),
        ("bark.json", "[" * 100_000, "bark.json: "),
        ("bark.json", b'{"text": "\xe9"}', "bark.json: 'utf-8' codec"),
        ("bark.json", '{"split": "a/b"}', "split 'a/b' is not a name"),
        ("bark.txt", b"caf\xe9", "bark.txt: 'utf-8' codec"),
    ],
)
def test_a_broken_side_car_rejects_its_recording_alone(root, name, content, said):
    place(root / "dog" / name, content)
    found = read(root)
    assert found["dog/bark.WAV"].reason == Reason.BAD_ROW
    assert said in found["dog/bark.WAV"].detail
    assert isinstance(found["dog/howl.flac"], Clip)


def test_captions_csv_is_used_before_side_cars_and_names(root):
    place(root / "dog/bark.txt", "not read")
    place(root / "captions.csv", "file_name,caption,split\n./dog/bark.WAV,A bark,test\ngone.wav,Nothing,\n")
    found = read(root, split="valid")
    assert texts(found["./dog/bark.WAV"]) == ["A bark"]
    assert "dog/bark.WAV" not in found
    assert {name: clip.split for name, clip in found.items()} == {
        "./dog/bark.WAV": "test",
        "gone.wav": "valid",
        "cat/purr.mp3": "valid",
        "dog/howl.flac": "valid",
        "top.wav": "valid",
    }


def test_a_recording_of_a_bad_row_does_not_come_in_by_its_folder(root):
    place(root / "captions.csv", "file_name,caption,start\ndog/bark.WAV,A bark,soon\n")
    found = read(root)
    assert "dog/bark.WAV" not in found
    assert found["row-1"].reason == Reason.BAD_ROW
    assert len(found) == 4


def test_a_root_outside_of_the_recipes_folder_gives_one_path_a_recording(root):
    place(root / "captions.csv", "file_name,caption\ntop.wav,On top\n")
    given = folder.Options(source="folder", dataset="F", base=root / "dog", root="../cat/..")
    assert sorted(clip.url for clip in folder.read(given)) == ["../cat/purr.mp3", "../dog/bark.WAV", "../dog/howl.flac", "../top.wav"]


def test_faults_of_a_folder_are_said_before_anything_runs(root):
    with pytest.raises(ValueError, match="root = 'missing': no such folder below"):
        folder.check(options(root.parent / "missing"))
    with pytest.raises(ValueError, match="split 'a b' is not a name"):
        folder.check(options(root, split="a b"))
    place(root / "captions.csv", "file,caption\n")
    with pytest.raises(ValueError, match="'file_name': no such column, there are file, caption"):
        folder.check(options(root))


def test_only_files_that_decide_the_clips_are_metadata(root):
    for name in ("dog/bark.json", "captions.csv", "out/Set/train/0.tar", "out/build.json"):
        place(root / name, "{}")
    names = {path.relative_to(root).as_posix() for path in folder.metadata(options(root))}
    assert names == {"top.wav", "dog/bark.WAV", "dog/howl.flac", "cat/purr.mp3", "dog/bark.json", "captions.csv"}

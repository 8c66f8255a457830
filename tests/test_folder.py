"""Folders of recordings become clips with text from captions.csv, side-cars or names of folders."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejection
from sources import folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("top.wav", "dog/bark.WAV", "dog/howl.flac", "cat/purr.mp3", "cat/notes.pdf"):
        write(tmp_path / "sounds" / name)
    return tmp_path / "sounds"


def write(path: Path, text: str | bytes = b"") -> None:
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
    clips = read(root)
    assert {name: clip.labels for name, clip in clips.items()} == {
        "cat/purr.mp3": ("cat",),
        "dog/bark.WAV": ("dog",),
        "dog/howl.flac": ("dog",),
        "top.wav": (),
    }
    assert clips["dog/bark.WAV"].url == "sounds/dog/bark.WAV"
    assert {clip.split for clip in clips.values()} == {"train"}


def test_a_side_car_is_used_before_the_name_of_the_folder(root):
    fields = {"text": ["A bark", ""], "tags": "dog;yard", "license": "CC0", "creator": "Ada", "title": "Rex", "split": "test"}
    write(root / "dog/bark.json", json.dumps(fields))
    write(root / "dog/bark.txt", "not read")
    write(root / "dog/howl.txt", "\ufeffA howl\n\nA long howl\n")
    clips = read(root)
    bark = clips["dog/bark.WAV"]
    assert (texts(bark), bark.labels, bark.license, bark.creator, bark.title) == (["A bark"], ("dog", "yard"), "CC0-1.0", "Ada", "Rex")
    assert bark.split == "test"
    assert (texts(clips["dog/howl.flac"]), clips["dog/howl.flac"].labels) == (["A howl", "A long howl"], ())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bark.json", "{", "bark.json: "),
        ("bark.json", "[1]", "bark.json: a JSON object is needed, not a list"),
        ("bark.json", "[" * 100_000, "bark.json: "),
        ("bark.json", b'{"text": "\xe9"}', "bark.json: 'utf-8' codec"),
        ("bark.json", '{"split": "a/b"}', "split 'a/b' is not a name"),
        ("bark.txt", b"caf\xe9", "bark.txt: 'utf-8' codec"),
    ],
)
def test_a_broken_side_car_rejects_only_its_recording(root, name, content, message):
    write(root / "dog" / name, content)
    clips = read(root)
    assert clips["dog/bark.WAV"].reason == Reason.BAD_ROW
    assert message in clips["dog/bark.WAV"].detail
    assert isinstance(clips["dog/howl.flac"], Clip)


def test_captions_csv_is_used_before_side_cars_and_names(root):
    write(root / "dog/bark.txt", "not read")
    write(root / "captions.csv", "file_name,caption,split\n./dog/bark.WAV,A bark,test\ngone.wav,Nothing,\n")
    clips = read(root, split="valid")
    assert texts(clips["./dog/bark.WAV"]) == ["A bark"]
    assert "dog/bark.WAV" not in clips
    assert {name: clip.split for name, clip in clips.items()} == {
        "./dog/bark.WAV": "test",
        "gone.wav": "valid",
        "cat/purr.mp3": "valid",
        "dog/howl.flac": "valid",
        "top.wav": "valid",
    }


def test_a_recording_with_a_bad_row_in_captions_csv_is_not_read_a_second_time(root):
    write(root / "captions.csv", "file_name,caption,start\ndog/bark.WAV,A bark,soon\n")
    clips = read(root)
    assert "dog/bark.WAV" not in clips
    assert clips["row-1"].reason == Reason.BAD_ROW
    assert len(clips) == 4


def test_a_root_outside_the_folder_of_the_recipe_gives_each_recording_one_path(root):
    write(root / "captions.csv", "file_name,caption\ntop.wav,On top\n")
    given = folder.Options(source="folder", dataset="F", base=root / "dog", root="../cat/..")
    assert sorted(clip.url for clip in folder.read(given)) == ["../cat/purr.mp3", "../dog/bark.WAV", "../dog/howl.flac", "../top.wav"]


def test_check_names_the_fault_of_a_folder(root):
    with pytest.raises(ValueError, match="root = 'missing': no such folder below"):
        folder.check(options(root.parent / "missing"))
    with pytest.raises(ValueError, match="split 'a b' is not a name"):
        folder.check(options(root, split="a b"))
    write(root / "captions.csv", "file,caption\n")
    with pytest.raises(ValueError, match="'file_name': no such column, there are file, caption"):
        folder.check(options(root))


@pytest.mark.parametrize("name", ["new.wav", "dog/bark.json", "dog/howl.txt", "captions.csv"])
def test_fingerprint_changes_with_every_file_that_decides_the_clips(root, name):
    before = folder.fingerprint(options(root))
    write(root / name, "{}")
    changed = folder.fingerprint(options(root))
    write(root / name, '{"a": 1}')
    assert before != changed
    assert (folder.fingerprint(options(root)) != changed) == (name != "new.wav")  # audio counts by its name


@pytest.mark.parametrize("name", ["cat/notes.txt", "dog/other.json", "out/Set/train/0.tar", "dog/captions.csv", "sound.wav.txt"])
def test_fingerprint_does_not_change_with_other_files(root, name):
    before = folder.fingerprint(options(root))
    write(root / name, "text")
    assert folder.fingerprint(options(root)) == before


def test_fingerprint_is_equal_for_equal_folders_and_differs_when_a_file_is_renamed(root, tmp_path):
    write(root / "dog/bark.txt", "A bark")
    copy = tmp_path / "else/where/sounds"
    shutil.copytree(root, copy)
    before = folder.fingerprint(options(root))
    assert folder.fingerprint(options(copy)) == before
    (copy / "cat").rename(copy / "kitten")
    assert folder.fingerprint(options(copy)) != before


def test_a_json_side_car_may_be_empty_and_then_the_folder_names_the_label(root):
    write(root / "dog/bark.json", '{"title": "", "split": null, "caption": null, "tags": []}')
    clip = read(root)["dog/bark.WAV"]
    assert (clip.labels, clip.title, clip.split, clip.captions) == (("dog",), None, "train", ())


def test_caption_and_labels_of_a_side_car_win_over_text_and_tags(root):
    write(root / "dog/bark.json", '{"caption": "A bark", "text": "no", "labels": ["dog", "dog"], "tags": "no"}')
    clip = read(root)["dog/bark.WAV"]
    assert (texts(clip), clip.labels) == (["A bark"], ("dog",))


def test_every_file_that_is_not_known_to_be_something_else_is_looked_at_by_content(root):
    sound, text = b"\x00\x01RIFF\xff\xfe" * 20, b"some words\n"
    new = {"a.xyz": sound, "b": sound, "c.ts": sound, "d.3gp": b"", "e.SPX": b"", "f.wave": text, ".hidden/g.wav": sound}
    others = {
        "h.xyz": text,
        "Makefile": text,
        "i.ts": text,
        "j.bin": b"\x89PNG....",
        "k.txt": sound,
        "._l.wav": sound,
        "__MACOSX/m.wav": sound,
    }
    others |= {".git/objects/ab": sound, "n": b"", ".DS_Store": sound}
    for name, content in (new | others).items():
        write(root / "new" / name, content)
    assert {name.removeprefix("new/") for name in read(root) if name.startswith("new/")} == set(new)
    assert {name for name, why in folder.left_out(options(root)) if not why} == {"cat/notes.pdf", *(f"new/{name}" for name in others)}


def test_what_is_read_is_not_left_out(root):
    for name in ("captions.csv", "dog/bark.txt", "dog/howl.json", "dog/other.txt"):
        write(root / name, "file_name,caption\n")
    assert [name for name, _ in folder.left_out(options(root))] == ["cat/notes.pdf", "dog/other.txt"]


def test_linked_folders_are_followed_inside_the_allowed_folders_and_others_are_named(root, tmp_path_factory):
    outside, beside = tmp_path_factory.mktemp("outside"), root.parent / "beside"
    for path in (outside / "far.wav", beside / "near.wav", beside / "deep" / "nearer.wav"):
        write(path)
    links = {"loop": root, "up": root.parent, "again": root / "dog", "out": outside, "near": beside, "near2": beside / "deep"}
    for name, target in links.items():
        (root / name).symlink_to(target)
    (root / "broken.wav").symlink_to("nowhere.wav")
    (root / "file.wav").symlink_to(outside / "far.wav")  # a row, which the fetcher refuses
    names = {"cat/purr.mp3", "dog/bark.WAV", "dog/howl.flac", "top.wav", "file.wav", "near/near.wav", "near/deep/nearer.wav"}
    assert read(root).keys() == names
    why = {name: why for name, why in folder.left_out(options(root)) if why}
    assert why.keys() == {"loop", "up", "again", "out", "near2", "broken.wav"}
    assert "local_files" in why["out"] and "under its own name" in why["again"] and "to nothing" in why["broken.wav"]
    allowed = options(root).with_local_files((outside,))
    assert {clip.id for clip in folder.read(allowed)} == names | {"out/far.wav"}


NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    ("row", "file"),
    [
        (f"{NFC}.wav", f"{NFD}.wav"),
        (f"{NFD}/a.wav", f"{NFC}/a.wav"),
        ("a.wav", " a.wav"),
        ("A.WAV", "a.wav"),
        ("a%20b.wav", "a b.wav"),
        ("x\\a.wav", "x/a.wav"),
        ("a.wav", "x/a.wav"),
    ],
)
def test_a_row_of_captions_csv_and_its_file_are_one_clip(tmp_path, row, file):
    write(tmp_path / "s" / file)
    write(tmp_path / "s" / "captions.csv", f"file_name,caption,start\n{row},Mine,\n")
    ((name, clip),) = read(tmp_path / "s").items()
    assert (name, clip.url, clip.recording, texts(clip)) == (row, f"s/{file}", f"s/{file}", ["Mine"])
    write(tmp_path / "s" / "captions.csv", f"file_name,caption,start\n{row},Mine,soon\n")
    ((name, rejection),) = read(tmp_path / "s").items()
    assert (rejection.reason, rejection.clip.url) == (Reason.BAD_ROW, f"s/{file}")


def test_a_row_of_captions_csv_that_may_mean_two_files_is_ambiguous_and_neither_gets_another_text(tmp_path):
    for name in ("x/a.wav", "y/a.wav", "y/b.wav"):
        write(tmp_path / "s" / name)
    write(tmp_path / "s" / "captions.csv", "file_name,caption\na.wav,Which\n")
    clips = read(tmp_path / "s")
    assert clips.keys() == {"a.wav", "y/b.wav"}
    assert clips["a.wav"].reason == Reason.AMBIGUOUS
    assert "'x/a.wav' or 'y/a.wav'" in clips["a.wav"].detail


def test_a_side_car_in_another_unicode_form_is_read_unless_it_is_that_of_another_recording(tmp_path):
    write(tmp_path / "s" / f"{NFC}.wav")
    write(tmp_path / "s" / f"{NFD}.txt", "A text")
    assert texts(read(tmp_path / "s")[f"{NFC}.wav"]) == ["A text"]
    write(tmp_path / "s" / f"{NFD}.wav")
    assert [texts(clip) for clip in read(tmp_path / "s").values()] == [["A text"], []]


def test_every_usual_format_of_audio_is_a_recording(root):
    common = {"wav", "w64", "rf64", "flac", "ogg", "oga", "opus", "mp3", "mp2", "m4a", "mp4", "aac", "webm", "mka", "mkv"}
    suffixes = common | {"aiff", "aif", "aifc", "au", "caf", "wma", "wv", "tta", "ac3", "amr"}
    for suffix in suffixes | {"txt", "csv", "png"}:
        write(root / f"new/sound.{suffix}")
    assert {name.removeprefix("new/sound.") for name in read(root) if name.startswith("new/")} == suffixes


def test_a_folder_with_the_suffix_of_audio_is_not_a_recording(root):
    (root / "album.mp3").mkdir()
    assert "album.mp3" not in read(root)


@pytest.mark.parametrize("fields", [{"caption": {"a": 1}}, {"title": ["a", "b"]}, {"labels": True}, {"creator": {}}, {"text": "['a'"}])
def test_a_side_car_with_something_else_than_texts_rejects_only_its_recording(root, fields):
    write(root / "dog/bark.json", json.dumps(fields))
    clips = read(root)
    assert clips["dog/bark.WAV"].reason == Reason.BAD_ROW
    assert isinstance(clips["dog/howl.flac"], Clip)


def test_missing_values_of_a_side_car_are_no_texts(root):
    write(root / "dog/bark.json", '{"caption": NaN, "labels": ["dog", NaN, "None"], "title": NaN, "creator": 7.0, "split": null}')
    clip = read(root)["dog/bark.WAV"]
    assert (clip.captions, clip.labels, clip.title, clip.creator) == ((), ("dog",), None, "7")


def test_labels_of_captions_csv_and_side_cars_are_divided_at_the_separator_of_the_recipe(root):
    write(root / "captions.csv", 'file_name,labels,start_time\ntop.wav,"a, b/c",1\n')
    write(root / "dog/bark.json", '{"labels": "d;e/f"}')
    clips = read(root, label_separator="/", ignore_columns=["start_time"])
    assert (clips["top.wav"].labels, clips["dog/bark.WAV"].labels) == (("a, b", "c"), ("d;e", "f"))
    with pytest.raises(ValueError, match="column 'start_time' is not read"):
        folder.check(options(root))


def test_paths_start_in_the_folder_of_recordings(tmp_path):
    assert options(tmp_path / "sounds").paths_start_in == tmp_path / "sounds"

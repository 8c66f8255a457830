"""A row gets the file that it means, or none: never the file of another row."""

from __future__ import annotations

import random
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejected
from sources.metadata.file_names import FileNames
from sources.metadata.recording_names import may_be_recording
from tests.caches import UNUSED
from tests.test_archives import make_folder, make_tar, make_zip
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots.audio_root import AudioRootHandler

AMBIGUOUS = Reason.AMBIGUOUS
SPEAKERS = ["A/1.wav", "A/2.wav", "B/2.wav", "B/3.wav"]


def meant(path: str, names: list[str], is_address: bool = False, clip_id: str = "") -> str | Reason | None:
    files = FileNames(names, has_sound=may_be_recording)
    try:
        return files.find_id(clip_id) if clip_id else files.find(path, is_address)
    except Rejected as rejected:
        return rejected.reason


@pytest.mark.parametrize(
    ("path", "names", "name"),
    [
        ("A/2.wav", SPEAKERS, "A/2.wav"),
        ("clips/B/2.wav", SPEAKERS, "B/2.wav"),
        ("/old/disk/B/2.wav", SPEAKERS, "B/2.wav"),
        ("2.wav", SPEAKERS, AMBIGUOUS),
        ("C/2.wav", SPEAKERS, AMBIGUOUS),
        ("1.wav", SPEAKERS, "A/1.wav"),
        ("B/1.wav", SPEAKERS, None),  # B is here, and has no such file
        ("C/1.wav", SPEAKERS, None),
        ("C/1.wav", ["1.wav"], "1.wav"),  # the folder is flat, the row has the path of before
        ("C/1.wav", ["1.wav", "A/1.wav"], AMBIGUOUS),
        ("1.wav", ["1.wav", "A/1.wav"], "1.wav"),
        ("C/1.wav", ["1.wav", "A/2.wav"], None),
        ("x/A/1.wav", ["1.wav", "A/1.wav", "B/A/1.wav"], AMBIGUOUS),
        ("B/A/1.wav", ["1.wav", "A/1.wav", "B/A/1.wav"], "B/A/1.wav"),
        ("1.ogg", ["1.wav"], None),
        ("rain", ["rain.wav", "rain.json", "rain.txt"], "rain.wav"),
        ("rain", ["rain.wav", "rain.flac"], AMBIGUOUS),
        ("rain", ["rain", "rain.wav"], "rain"),
        ("", ["rain.wav"], None),
        ("..", ["rain.wav"], None),
        ("cafe\u0301/1.wav", ["caf\u00e9/1.wav", "1.wav"], "caf\u00e9/1.wav"),
        ("b/x.wav", ["b/X.wav", "x.wav"], AMBIGUOUS),  # the exact name, or the longer path
        ("a%20b.wav", ["a b.wav"], "a b.wav"),
        ("a%20b.wav", ["a b.wav", "a%20b.wav"], "a%20b.wav"),
        ("a b.wav", ["a%20b.wav"], "a%20b.wav"),
        ("D:\\rec\\A\\2.wav", SPEAKERS, "A/2.wav"),
        ("A/2.wav", ["A\\2.wav", "B\\2.wav"], "A\\2.wav"),
        (" a.wav", ["a.wav", " a.wav"], " a.wav"),
        ("a.wav", ["a .wav", " a.wav"], " a.wav"),
        ("Rain.WAV", ["rain.wav"], "rain.wav"),
        ("Rain.WAV", ["rain.wav", "RAIN.wav"], AMBIGUOUS),
        ("x/._a.wav", ["x/._a.wav", "__MACOSX/x/a.wav"], None),
        ("a#1?.wav", ["a#1?.wav", "a"], "a#1?.wav"),
        ("na\u00efve.wav", ["na\udcefve.wav"], "na\udcefve.wav"),  # Latin-1 on disk
    ],
)
def test_a_path_means_the_file_with_the_longest_common_tail(path, names, name):
    assert meant(path, names) == name
    assert meant(path, names[::-1]) == name


@pytest.mark.parametrize(
    ("path", "names", "name"),
    [
        ("data/previews/12/99_hq.mp3", ["cc0/99_hq.mp3", "by/98_hq.mp3"], "cc0/99_hq.mp3"),  # names that are given once only
        ("B/1.wav", ["A/1.wav", "A/2.wav", "B/2.wav"], None),
        ("C/1.wav", ["A/1.wav", "A/2.wav", "B/2.wav"], None),
        ("x/1.wav", ["1.wav", "A/3.wav"], "1.wav"),
        ("dQw4w9WgXcQ", ["part1/dQw4w9WgXcQ.m4a"], "part1/dQw4w9WgXcQ.m4a"),
        ("dqw4w9wgxcq", ["part1/dQw4w9WgXcQ.m4a"], None),  # ids of YouTube differ in case
        ("x/caf%C3%A9.wav", ["cafe\u0301.wav"], "cafe\u0301.wav"),
    ],
)
def test_the_folders_of_an_address_are_those_of_a_server(path, names, name):
    assert meant(path, names, is_address=True) == name


@pytest.mark.parametrize(
    ("clip_id", "names", "name"),
    [
        ("7", ["x/7.wav", "x/7.json"], "x/7.wav"),
        ("7", ["x/7.wav", "y/7.wav"], AMBIGUOUS),
        ("x/7", ["x/7.wav", "y/7.wav"], "x/7.wav"),
        ("7.wav", ["x/7.wav"], "x/7.wav"),
        ("7.wav", ["7.wav", "x/7.wav"], "7.wav"),
        ("AbC", ["abc.wav"], None),
        ("AbC.wav", ["abc.wav"], None),
        ("../7", ["7.wav"], None),
    ],
)
def test_an_id_is_the_name_of_a_file_with_or_without_its_suffix(clip_id, names, name):
    assert meant("", names, clip_id=clip_id) == name


def test_links_to_one_file_are_not_ambiguous():
    files = FileNames(["a/1.wav", "b/1.wav"], identity=lambda name: "the same")
    assert files.find("1.wav") == "a/1.wav"


def test_both_names_are_in_the_detail():
    with pytest.raises(Rejected) as caught:
        FileNames(["c/1.wav", "b/1.wav", "a/1.wav"]).find("1.wav")
    assert caught.value.detail == "'1.wav' may be 'a/1.wav' or 'b/1.wav' or 1 more: write more of the path"


def test_many_files_of_one_name_differ_by_their_folders():
    names = [f"{n}/sub/x.wav" for n in range(500)]
    files = FileNames(names)
    assert files.find("base/321/sub/x.wav") == "321/sub/x.wav"
    for path in ("x.wav", "sub/x.wav", "no/sub/x.wav", "321/x.wav"):
        with pytest.raises(Rejected):
            files.find(path)


# Random trees of equal names: each file holds its own name.

FOLDERS = ["", "A", "B", "a", "A/x", "B/x", "x", "caf\u00e9", "cafe\u0301", " A", "A%20b", "A b", "C"]
NAMES = ["1.wav", "2.wav", "1 .wav", "1.WAV", "%31.wav", "\u00e91.wav", "e\u03011.wav"]
PREFIXES = ["", "", "meta/", "clips/"]


@pytest.mark.parametrize("seed", range(25))
def test_no_row_gets_the_sound_of_another(seed, tmp_path):
    """A row that names a file of the tree, or of the tree before some files were lost, gets this file or a reason.

    A path may differ in its form from that of a lost file; a lost file without folders may be any with its name.
    """
    draw = random.Random(seed)
    every = sorted({f"{folder}/{name}".lstrip("/") for folder in FOLDERS for name in NAMES})
    tree = draw.sample(every, draw.randrange(2, 25))
    lost = set(draw.sample(tree, len(tree) // 4))
    here = {name: name.encode() for name in tree if name not in lost}
    makers = {"folder": make_folder, "zip": make_zip, "tar": make_tar}
    roots = {kind: make(tmp_path / kind, here) for kind, make in makers.items()}
    handler = AudioRootHandler(LocalFolders(tmp_path, (("D", tmp_path / "meta"),)), UNUSED)
    n_found = dict.fromkeys(roots, 0)
    for name in tree:
        prefix = draw.choice(PREFIXES) if "/" in name else draw.choice(["", "meta/"])
        for kind in roots:
            clip = Clip("table", "D", "train", "no id", f"{prefix}{name}", audio_root=kind)
            (tmp_path / "work").mkdir(exist_ok=True)
            try:
                content = handler.fetch(clip, tmp_path / "work").path.read_bytes().decode() if handler.matches(clip) else None
            except Rejected as rejected:
                assert rejected.reason == Reason.AMBIGUOUS
                continue
            assert content is None or content == name or same_in_another_form(content, name, here), (seed, kind, clip.url, content)
            n_found[kind] += content == name
            if not prefix and name in here:
                assert content == name
    assert len(set(n_found.values())) == 1


def same_in_another_form(result: str, name: str, here: dict[str, bytes]) -> bool:
    """Return whether a lost file was replaced by one whose path is the same in another form, or ends so and nothing speaks against it."""
    if name in here:
        return False
    there, wanted = loose(result), loose(name)
    other_folder = "/" in name and any(loose(path).split("/")[0] == wanted.split("/")[0] for path in here if "/" in path)
    return there == wanted or (f"/{there}".endswith(f"/{wanted}") and not other_folder)


def loose(path: str) -> str:
    text = unicodedata.normalize("NFC", "/".join(part.strip() for part in path.split("/")))
    return text.replace("%31", "1").replace("%20", " ").replace(" .", ".").casefold()


# Names in archives.


def write_zip(path: Path, members: dict[bytes, bytes], flag: bool = False) -> Path:
    """Write a zip with the given bytes as names; without the flag no one knows how they are meant."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, data in enumerate(members.values()):
            archive.writestr(f"{number:08}".ljust(len(list(members)[number]), "#"), data)
    data = path.read_bytes()
    for number, name in enumerate(members):
        data = data.replace(f"{number:08}".ljust(len(name), "#").encode(), name)
    path.write_bytes(data)
    return path


def test_names_in_a_zip_are_read_as_utf_8_and_as_code_page_437(tmp_path):
    members = {"v\u00f6gel-im-wald.wav".encode(): b"utf-8", "stra\u00dfen-l\u00e4rm.wav".encode("cp437"): b"437"}
    members |= {unicodedata.normalize("NFD", "b\u00e4chlein.wav").encode(): b"nfd", b"dir\\windows.wav": b"windows"}
    write_zip(tmp_path / "names.zip", members)
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    result = {}
    for name in ("v\u00f6gel-im-wald.wav", "stra\u00dfen-l\u00e4rm.wav", "b\u00e4chlein.wav", "dir/windows.wav"):
        clip = Clip("table", "D", "train", "", name, audio_root="names.zip")
        assert handler.matches(clip)
        result[name] = handler.fetch(clip, tmp_path).path.read_bytes()
    assert list(result.values()) == list(members.values())


def test_a_tar_with_names_in_latin_1_is_read(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("v\u00f6gel.wav"))
    assert AudioRootHandler(LocalFolders(tmp_path), UNUSED).matches(Clip("table", "D", "train", "", "v\u00f6gel.wav", audio_root="a.tar"))


def test_the_path_below_the_tables_folder_counts_and_a_path_below_the_root(tmp_path):
    make_folder(tmp_path / "rec", {"meta/1.wav": b"", "1.wav": b"", "deep/2.wav": b"", "2.wav": b""})
    handler = AudioRootHandler(LocalFolders(tmp_path, (("D", tmp_path / "meta"), ("Other", tmp_path / "rec"))), UNUSED)
    assert handler.name_of(Clip("table", "D", "train", "", "meta/1.wav", audio_root="rec")) == "1.wav"
    assert handler.name_of(Clip("table", "Other", "train", "", "meta/1.wav", audio_root="rec")) == "meta/1.wav"
    assert handler.name_of(Clip("table", "D", "train", "", "rec/deep/2.wav", audio_root="rec")) == "deep/2.wav"
    assert handler.name_of(Clip("table", "D", "train", "", "rec/2.wav", audio_root="rec")) == "2.wav"


def test_a_row_whose_own_path_is_a_file_is_not_ambiguous(tmp_path):
    make_folder(tmp_path, {"rec/a/1.wav": b"", "rec/b/1.wav": b"", "meta/1.wav": b"mine"})
    handler = AudioRootHandler(LocalFolders(tmp_path, (("D", tmp_path / "meta"),)), UNUSED)
    assert not handler.matches(Clip("table", "D", "train", "", "meta/1.wav", audio_root="rec"))


def test_an_id_with_capital_letters_is_the_stem_of_its_file() -> None:
    files = FileNames(["sub/Y-0Gj8-vB1q4.wav", "rain.wav"])
    assert files.find_id("Y-0Gj8-vB1q4") == "sub/Y-0Gj8-vB1q4.wav"
    assert files.find_id("y-0gj8-vb1q4") is None is files.find_id("Rain")

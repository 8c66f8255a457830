"""Lists of held-out recordings are read as people have them: ids, addresses, tables of published sets, lines of text."""

from pathlib import Path

import pytest

from sources.metadata.held_lists import HeldOut, Listed, as_table, read_list

URBANSOUND = "slice_file_name,fsID,start,end,salience,fold,classID,class\n100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark\n"
ESC50 = "filename,fold,target,category,esc10,src_file,take\n1-100032-A-0.wav,1,0,dog,True,100032,A\n"
CLOTHO = (
    "file_name,keywords,sound_id,sound_link,start_end_samples,manufacturer,license\n"
    'Café.wav,caf\xe9,100032,https://freesound.org/people/a/sounds/100032,"[0, 9]",a,http://creativecommons.org/licenses/by/3.0/\n'
    "gone.wav,x,Not found,,,,\n"
)


def recordings(folder: Path, name: str, content: str, source: str | None = None, encoding: str = "utf-8") -> list[str]:
    (folder / name).write_bytes(content.encode(encoding))
    return [listed.recording for listed in read_list(HeldOut(path=name, source=source), folder)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "content", "source", "encoding"),
    [
        ("UrbanSound8K.csv", URBANSOUND, None, "utf-8"),
        ("esc50.csv", ESC50, None, "utf-8"),
        ("clotho_metadata_evaluation.csv", CLOTHO, None, "latin-1"),
        ("eval.csv", "fname,labels,mids\n100032,Bark,/m/0\n", "freesound", "utf-8"),
        ("bare.tsv", "id\ttitle\n100032\tx\n", "freesound", "utf-8"),
        ("only.csv", "ids_of_clips\n100032\n", "freesound", "utf-8"),
        ("ids.jsonl", '{"id": 100032}\n', "freesound", "utf-8"),
        ("ids.txt", "\ufeff# held out\n\n100032\r\n", "freesound", "utf-8"),
        ("names.txt", "100032-3-0-0.wav\n", None, "utf-8"),
        ("quoted.txt", '"freesound:100032"\n', None, "utf-8"),
        ("ids", "freesound:100032\n", None, "utf-8"),
        ("a.csv", "recording,url\n,https://freesound.org/s/100032\n", None, "utf-8"),
        ("b.csv", "recording\nfreesound:100032\n", "youtube", "utf-8"),
    ],
)
def test_a_list_names_a_freesound_sound(tmp_path: Path, name: str, content: str, source: str | None, encoding: str) -> None:
    assert recordings(tmp_path, name, content, source, encoding) == ["freesound:100032"]


def test_the_first_column_with_a_value_names_the_recording(tmp_path: Path) -> None:
    content = "recording,url\nfreesound:1,\n,https://freesound.org/s/2\n rain.wav ,\n"
    assert recordings(tmp_path, "a.csv", content) == ["freesound:1", "freesound:2", "rain.wav"]


def test_secrets_of_addresses_are_masked_as_those_of_clips_are(tmp_path: Path) -> None:
    (masked,) = recordings(tmp_path, "held.txt", "https://a.example/1.mp3?X-Amz-Signature=00aa11bb\n")
    assert masked.startswith("https://a.example/1.mp3?") and "00aa11bb" not in masked


def test_a_list_of_videos_has_the_seconds_of_its_excerpts(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("audiocap_id,youtube_id,start_time,caption\n1,dQw4w9WgXcQ,30,A dog\n2,aaaaaaaaaaa,,A cat\n")
    assert read_list(HeldOut(path="test.csv"), tmp_path) == [Listed("youtube:dQw4w9WgXcQ", 30.0), Listed("youtube:aaaaaaaaaaa")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "url,x\n,1\n", "row 1: neither recording nor url is given"),
        ("a.csv", "id\n7\n", "neither recording nor url is there; the columns are id; for a column of bare ids"),
        ("a.csv", "url,x\na\n", "1 cells where"),
        ("a.csv", "recording\n17\n", "row 1: 17 is an id of an unknown site"),
        ("a.csv", "fsID\nrain\n", "row 1: 'rain' is not the number of a Freesound sound"),
        ("a.csv", "url,start\na.wav,soon\n", "row 1: start"),
        ("a.csv", "url,start,end\na.wav,4,3\n", "row 1: the end, 3 s, is not after the start, 4 s"),
        ("a.txt", "freesound:x\n", "line 1: 'freesound:x' is not the number of a Freesound sound$"),
        (
            "a.txt",
            "17\n",
            'line 1: 17 is an id of an unknown site: write freesound:17.*; or write { path = "a.txt", source = "freesound" }',
        ),
        ("a.txt", "caf\udce9\n", "line 1: not UTF-8"),
        ("a.pdf", "x", "tables are read as .csv"),
    ],
)
def test_a_row_that_names_no_recording_is_an_error(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=message):
        read_list(HeldOut(path=name), tmp_path)


def test_a_text_is_a_list_when_there_is_such_a_file(tmp_path: Path) -> None:
    (tmp_path / "esc50").write_text("freesound:1\n")
    assert as_table("esc50", tmp_path) == HeldOut(path="esc50")
    assert as_table("clotho:test", tmp_path) == HeldOut(name="clotho:test")
    table = HeldOut(name="esc50", seconds=True)
    assert as_table(table, tmp_path) is table and str(table) == "esc50"


@pytest.mark.parametrize("keys", [{}, {"name": "a", "path": "b"}, {"name": "a", "source": "freesound"}])
def test_an_entry_is_either_a_name_or_a_list(keys: dict) -> None:
    with pytest.raises(ValueError, match=r"give either name|give the list as path"):
        HeldOut(**keys)

"""Tables of users become clips, and a rejection for every row that cannot be read."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.records import Clip, Reason, Rejection
from sources import table


def options(tmp_path: Path, content: str, name: str = "t.csv", **keys) -> table.Options:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(content, encoding="utf-8")
    return table.Options(source="table", dataset="T", base=tmp_path, path=name, **keys)


def clips(given: table.Options) -> list[Clip]:
    outcomes = list(table.read(given))
    assert all(isinstance(outcome, Clip) for outcome in outcomes), outcomes
    return outcomes


def only(tmp_path: Path, content: str, **keys) -> Clip | Rejection:
    [outcome] = table.read(options(tmp_path, content, **keys))
    return outcome


def texts(clip: Clip) -> list[str]:
    return [caption.text for caption in clip.captions]


def test_columns_with_usual_names_are_read_without_keys(tmp_path):
    header = "id,url,start,end,split,license,creator,title,caption,caption_1,caption_2,labels,fold"
    row = "1,https://example.org/a.wav,1.5,4,Validation,CC0,Ada,Rain,one,two,,dog; cat,3"
    clip = only(tmp_path, f"{header}\n{row}\n")
    assert (clip.id, clip.url, clip.start, clip.end) == ("1", "https://example.org/a.wav", 1.5, 4.0)
    assert (clip.split, clip.license, clip.creator, clip.title) == ("valid", "CC0-1.0", "Ada", "Rain")
    assert (clip.source, clip.dataset, clip.audio_root, clip.row_number) == ("table", "T", None, 1)
    assert (texts(clip), clip.labels) == (["one", "two"], ("dog", "cat"))


def test_columns_of_other_names_are_read_when_the_recipe_names_them(tmp_path):
    clip = only(tmp_path, "file,raw,text,tags:\na.wav,A Dog!,a dog,dog|bark\n", url="file", caption=["raw", "text"], labels="tags:")
    assert (texts(clip), clip.labels, clip.url) == (["A Dog!", "a dog"], ("dog", "bark"), "a.wav")


def test_lists_in_cells_are_several_texts(tmp_path):
    jsonl = options(tmp_path, json.dumps({"url": "a", "caption": ["x", None, ""], "labels": ["p", "q;r"]}), "t.jsonl")
    pq.write_table(pa.table({"url": ["a"], "caption": [["x", "y"]], "labels": [["p"]]}), tmp_path / "t.parquet")
    parquet = table.Options(source="table", dataset="T", base=tmp_path, path="t.parquet")
    assert [(texts(clip), clip.labels) for clip in clips(jsonl) + clips(parquet)] == [(["x"], ("p", "q;r")), (["x", "y"], ("p",))]


@pytest.mark.parametrize(
    ("start", "end", "seconds"), [("", "", (None, None)), ("nan", "NaN", (None, None)), (" 1e1 ", "12.5", (10, 12.5)), ("0", "1", (0, 1))]
)
def test_times_are_seconds_or_absent(tmp_path, start, end, seconds):
    clip = only(tmp_path, f"url,start,end\na.wav,{start},{end}\n")
    assert (clip.start, clip.end) == seconds


@pytest.mark.parametrize(
    ("start", "end", "reason", "message"),
    [
        ("ten", "", Reason.BAD_ROW, "start = 'ten' is not a number of seconds"),
        ("1:2:3:4", "", Reason.BAD_ROW, "is not a number of seconds"),
        ("-1", "", Reason.BAD_ROW, "start = -1 s"),
        ("", "inf", Reason.BAD_ROW, "end = inf s"),
        ("5", "2", Reason.BAD_ROW, "end 2 s is not after start 5 s"),
        ("5", "5", Reason.BAD_ROW, "is not after"),
    ],
)
def test_bad_times_reject_the_row_and_name_its_number(tmp_path, start, end, reason, message):
    rejection = only(tmp_path, f"url,start,end\na.wav,{start},{end}\n")
    assert (rejection.reason, rejection.stage, rejection.clip.url) == (reason, "read", "a.wav")
    assert rejection.detail.startswith("t.csv, row 1: ")
    assert message in rejection.detail


def test_a_row_without_address_or_with_an_invalid_split_is_rejected(tmp_path):
    nameless, escaping, good = table.read(options(tmp_path, "url,split\n,train\na.wav,../up\nb.wav,\n"))
    assert nameless.reason == escaping.reason == Reason.BAD_ROW
    assert "neither an address nor an id" in nameless.detail
    assert "split '../up' is not a name" in escaping.detail
    assert good.split == "train"


def test_the_split_of_the_caller_is_used_for_rows_that_name_none(tmp_path):
    given = options(tmp_path, "url,split\na.wav,\nb.wav,test\nc.wav,a b\n")
    first, second, bad = table.read(given, "valid")
    assert (first.split, second.split, bad.clip.split) == ("valid", "test", "valid")


def test_a_recording_is_named_by_its_address_and_without_one_by_dataset_and_id(tmp_path):
    content = "id,url\n1,https://freesound.org/s/17\n2,\n"
    assert [clip.recording for clip in clips(options(tmp_path, content, audio_root="audio"))] == ["freesound:17", "T:2"]


@pytest.mark.parametrize(
    ("column", "cell", "recording"),
    [
        ("recording", "freesound:17", "freesound:17"),
        ("Recording", "https://freesound.org/people/ann/sounds/17/", "freesound:17"),
        ("recording", "youtube:dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("recording", "session-12", "session-12"),
        ("recording", "", "a.wav"),
        ("fsID", "17", "freesound:17"),
        ("sound_id", "17.0", "freesound:17"),
        ("youtube_id", "dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
    ],
)
def test_a_column_names_the_recording_by_id_or_address(tmp_path, column, cell, recording):
    keys = {} if column.lower() == "recording" else {"recording": column}
    assert only(tmp_path, f"url,caption,{column}\na.wav,x,{cell}\n", **keys).recording == recording


@pytest.mark.parametrize(
    ("cell", "message"), [("17", "17 is an id of an unknown site"), ("freesound:x", "'freesound:x' is not the number")]
)
def test_a_recording_that_is_no_id_is_a_bad_row(tmp_path, cell, message):
    outcome = only(tmp_path, f"url,caption,recording\na.wav,x,{cell}\n")
    assert outcome.reason == Reason.BAD_ROW and f"row 1: recording: {message}" in outcome.detail


def test_file_names_of_known_sets_name_the_recording(tmp_path):
    rows = "url,caption\nfold5/17-3-0-0.wav,x\nhttps://example.org/1-18-A-0.wav,x\n"
    assert [clip.recording for clip in clips(options(tmp_path, rows))] == ["freesound:17", "freesound:18"]
    assert only(tmp_path, "id,caption\n17-3-0-0.wav,x\n", audio_root=".").recording == "freesound:17"


def test_a_column_recording_that_holds_the_address_names_no_other_recording(tmp_path):
    assert only(tmp_path, "recording,caption\nb/17.wav,x\n", url="recording").recording == "b/17.wav"


def test_two_licences_in_a_cell_are_a_bad_row_and_a_default_version_is_that_of_the_entry(tmp_path):
    outcome = only(tmp_path, "url,caption,license\na.wav,x,CC0 and CC-BY 4.0\n")
    assert (outcome.reason, "CC-BY-4.0 and CC0-1.0" in outcome.detail) == (Reason.BAD_ROW, True)
    content = "url,caption,license\na.wav,x,Attribution\n"
    assert [only(tmp_path, content, **keys).license for keys in ({}, {"license_version_default": "4.0"})] == ["Attribution", "CC-BY-4.0"]


def test_columns_with_names_that_only_resemble_the_usual_ones_are_not_read(tmp_path):
    clip = only(tmp_path, "url,caption_a,my_caption,caption_12,id2,title\na.wav,x,y,z,7,\n")
    assert (texts(clip), clip.title, clip.creator) == (["z"], None, None)
    assert clip.id.startswith("a-")


def test_repeated_labels_are_listed_once_in_their_order(tmp_path):
    assert only(tmp_path, "url,labels\na.wav,dog;cat;dog\n").labels == ("dog", "cat")


def test_fingerprint_changes_with_the_content_of_the_table_and_not_with_its_folder(tmp_path):
    first, same, other = (options(tmp_path / name, content) for name, content in (("a", "url\nx\n"), ("b", "url\nx\n"), ("c", "url\ny\n")))
    assert table.fingerprint(first) == table.fingerprint(same) != table.fingerprint(other)


def test_a_table_inside_the_package_is_read_with_a_prefix_before_every_path(tmp_path):
    (tmp_path / "clips.csv").write_text("id,url,caption\n1,audio/a.wav,Rain\n")
    [clip] = table.read_table_at(tmp_path / "clips.csv", "bundled:set", "set", "Set")
    assert (clip.source, clip.dataset, clip.split, clip.url, texts(clip)) == ("set", "Set", "train", "bundled:set/audio/a.wav", ["Rain"])


def test_an_id_is_made_from_address_and_excerpt_and_not_from_the_row_number(tmp_path):
    rows = "a.wav,,\nb.wav,0,1\nb.wav,1,2\n"
    before = {clip.key for clip in clips(options(tmp_path, f"url,start,end\n{rows}"))}
    after = {clip.key for clip in clips(options(tmp_path, f"url,start,end\nnew.wav,,\n{rows}"))}
    assert len(before) == 3
    assert before < after


def test_paths_are_relative_to_the_table_and_addresses_stay(tmp_path):
    content = "url\nrain.wav\n./b//../rain.wav\n../up.wav\n/abs/x.wav\nhttps://example.org/./a\n"
    given = options(tmp_path, content, "tables/t.csv")
    assert [clip.url for clip in clips(given)] == ["tables/rain.wav", "tables/rain.wav", "up.wav", "/abs/x.wav", "https://example.org/./a"]


def test_an_id_and_an_audio_root_are_enough(tmp_path):
    clip = only(tmp_path, "ytid\nabc\n", id="ytid", audio_root="audio")
    assert (clip.id, clip.url, clip.recording, clip.audio_root) == ("abc", "", "T:abc", "audio")


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"url": "adress"}, r"url = 'adress': no such column, there are address, text; did you mean 'address'\?"),
        ({"url": "address", "caption": ["text", "more"]}, "caption = 'more': no such column"),
        ({}, "url = none given: a column of addresses or paths is needed"),
        ({"id": "address"}, "or an id column together with audio_root"),
        ({"audio_root": "audio"}, "or an id column together with audio_root"),
        ({"url": "address", "labels": "zzz"}, r"labels = 'zzz': no such column, there are address, text$"),
    ],
)
def test_columns_are_checked_before_anything_runs(tmp_path, keys, complaint):
    with pytest.raises(ValueError, match=complaint):
        table.check(options(tmp_path, "address,text\na.wav,x\n", **keys))


@pytest.mark.parametrize(("name", "separator"), [("t.csv", ","), ("t.tsv", "\t"), ("T.TSV", "\t")])
def test_check_reads_a_table_to_its_end_and_refuses_an_open_quote(tmp_path, name, separator):
    with pytest.raises(ValueError, match="is a quote left open"):
        table.check(options(tmp_path, f'url{separator}caption\na.wav{separator}"x\nb.wav{separator}y\n', name))


def test_columns_of_jsonl_are_those_of_any_row(tmp_path):
    table.check(options(tmp_path, '{"url": "a"}\n{"url": "b", "caption": "x"}\n', "t.jsonl", caption="caption"))
    with pytest.raises(ValueError, match="caption = 'text': no such column, there are url"):
        table.check(options(tmp_path, '{"url": "a"}\n', "t.jsonl", caption="text"))


def test_every_row_of_a_table_is_a_clip_or_a_rejection(tmp_path):
    given = options(tmp_path, "url,start\na.wav,1\nragged\nb.wav,x\n,\nc.wav,2\n")
    outcomes = list(table.read(given))
    assert [isinstance(outcome, Clip) for outcome in outcomes] == [True, False, False, False, True]
    assert [outcome.clip.row_number for outcome in outcomes if isinstance(outcome, Rejection)] == [2, 3, 4]


@pytest.mark.parametrize(
    "header", ["url, start, end,caption,split", "URL,Start,END,Caption 1,Split", "\ufeffurl ,s_tart,\u00a0end,CAPTION,SPLIT "]
)
def test_blanks_and_case_of_a_header_change_nothing(tmp_path, header):
    clip = only(tmp_path, f"{header}\na.wav,0.25,0.75,A dog barks.,test\n")
    assert (clip.url, clip.start, clip.end, texts(clip), clip.split) == ("a.wav", 0.25, 0.75, ["A dog barks."], "test")


@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", "url,caption,start_time\na.wav,x,1\n"), ("t.jsonl", '{"url": "a", "start_time": 1}\n')]
)
def test_a_column_that_may_be_a_mistake_is_named_before_anything_runs(tmp_path, name, content):
    with pytest.raises(
        ValueError,
        match=r"""column 'start_time' is not read, and there is no column for start: name the column start, or write start = """,
    ):
        table.check(options(tmp_path, content, name))
    [clip] = clips(options(tmp_path, content, name, ignore_columns="start_time"))
    assert clip.start is None
    [clip] = clips(options(tmp_path, content, name, start="start_time"))
    assert clip.start == 1.0


def test_a_duration_beside_a_start_is_not_passed_over(tmp_path):
    with pytest.raises(ValueError, match=r"without a column for end every clip goes on to the end of its recording: add a column end"):
        table.check(options(tmp_path, "url,start,duration\na.wav,1,2\n"))
    table.check(options(tmp_path, "url,start,end,duration\na.wav,1,2,1\n"))
    table.check(options(tmp_path, "url,duration\na.wav,1\n"))
    table.check(options(tmp_path, "url,start,duration\na.wav,1,2\n", ignore_columns=["duration"]))


def test_columns_that_are_ignored_are_not_read(tmp_path):
    clip = only(tmp_path, "url,caption,title\na.wav,Rain,x\n", ignore_columns=["title"])
    assert (clip.title, texts(clip)) == (None, ["Rain"])


def test_texts_of_missing_values_are_no_captions_and_ids_are_kept(tmp_path):
    rows = "NA,a.wav,NA\n007,b.wav,nan\n1e5,c.wav,None\n-abc,d.wav,null\ntrue,e.wav,N/A\nnan,f.wav,Rain\n"
    read = clips(options(tmp_path, f"id,url,caption\n{rows}"))
    assert [clip.id for clip in read[:5]] == ["NA", "007", "1e5", "-abc", "true"]
    assert [texts(clip) for clip in read] == [[], [], [], [], [], ["Rain"]]
    assert read[5].id.startswith("f-")


def test_lists_that_are_written_as_text_are_their_items(tmp_path):
    jsonl = json.dumps({"url": "a", "caption": "['A dog barks', \"Somebody's dog\"]", "labels": '["low quality", "soft, female vocal"]'})
    [clip] = clips(options(tmp_path, jsonl, "t.jsonl"))
    assert (texts(clip), clip.labels) == (["A dog barks", "Somebody's dog"], ("low quality", "soft, female vocal"))


def test_names_of_classes_are_not_split_and_a_separator_may_be_given(tmp_path):
    row = "url,labels\na.wav,{}\n"
    names = '"male speech, man speaking, Dog, Gunshot, gunfire"'
    assert only(tmp_path, row.format(names)).labels == ("male speech, man speaking", "Dog", "Gunshot, gunfire")
    assert only(tmp_path, row.format('"a, b; c"')).labels == ("a, b", "c")
    assert only(tmp_path, row.format('"a, b/c;d"'), label_separator="/").labels == ("a, b", "c;d")
    assert only(tmp_path, row.format(names), label_separator=",").labels[:2] == ("male speech", "man speaking")


def test_ids_of_a_column_of_floats_are_integers_and_those_that_lost_digits_are_bad_rows(tmp_path):
    pq.write_table(pa.table({"id": [101.0, 102.0, 2.0**60, None], "url": ["a", "b", "c", "d"]}), tmp_path / "t.parquet")
    first, second, lost, made = table.read(table.Options(source="table", dataset="T", base=tmp_path, path="t.parquet"))
    assert (first.id, second.id) == ("101", "102")
    assert lost.reason is Reason.BAD_ROW and "id = 1.15292e+18 has lost digits" in lost.detail and lost.clip.url == "c"
    assert made.id.startswith("d-")


def test_addresses_of_embedded_recordings_cannot_be_written_in_a_table(tmp_path):
    rejection = only(tmp_path, "url\nparquet:/etc/t.parquet#audio/1/0123456789abcdef\n")
    assert rejection.reason is Reason.UNSAFE_ADDRESS


def test_records_as_addresses_are_refused_before_anything_runs(tmp_path):
    pq.write_table(pa.table({"audio": [{"array": [0.1], "path": "a.wav"}], "caption": ["x"]}), tmp_path / "t.parquet")
    given = table.Options(source="table", dataset="T", base=tmp_path, path="t.parquet", url="audio")
    with pytest.raises(ValueError, match="column 'audio' holds records or lists; addresses, paths or ids are needed"):
        table.check(given)


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_ids_that_pandas_wrote_as_floats_find_their_recordings(tmp_path, name):
    def ids(*given: str) -> list[str]:
        content = "id\n" + "\n".join(given) if name == "t.csv" else "\n".join(json.dumps({"id": value}) for value in given)
        outcomes = table.read(options(tmp_path, content + "\n", name, audio_root="audio"))
        return [outcome.id for outcome in outcomes if isinstance(outcome, Clip)]

    assert ids("101.0", "007.0") == ["101", "007"]
    assert ids("101.0", "1.5") == ["101.0", "1.5"], "these are names that look like numbers"
    assert ids("101.0", "x") == ["101.0", "x"]


@pytest.mark.parametrize(
    ("given", "split"), [(" Train ", "train"), ("VALIDATION", "valid"), ("dev", "dev"), ("eval", "eval"), ("fold1", "fold1")]
)
def test_names_of_splits_are_read_whatever_their_case(tmp_path, given, split):
    assert only(tmp_path, f"url,split\na.wav,{given}\n").split == split


@pytest.mark.parametrize("given", ["trian", "trains", "tets", "vaild", "validaton"])
def test_misspelt_splits_are_bad_rows_since_they_would_mix_sets(tmp_path, given):
    rejection = only(tmp_path, f"url,split\na.wav,{given}\n")
    assert rejection.reason is Reason.BAD_ROW and "is nearly" in rejection.detail


def test_paths_start_in_the_folder_of_the_table(tmp_path):
    assert options(tmp_path, "url\n", "below/t.csv").paths_start_in == tmp_path / "below"

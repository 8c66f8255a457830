"""WavCaps: JSON of any size is read as a stream, and each subset names its recordings as the other sources do."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from pipeline.records import Caption, Clip, Reason
from sources import wavcaps
from sources.metadata.wavcaps_entries import entries
from tests.official_tables import options_of, outcomes_of, written

ENTRY = {"id": "180913", "caption": "Rain falls.", "audio": "wav_path", "duration": 12.5, "tags": ["rain", "roof"], "author": "ann"}


def document(*given: object, **more: object) -> str:
    return json.dumps({"num_captions_per_audio": 1, "data": given, **more})


def test_a_sound_of_freesound_is_a_clip_with_a_caption_by_chatgpt(tmp_path: Path) -> None:
    entry = ENTRY | {"title": "Rain.wav", "href": "/people/ann/sounds/180913/", "download_link": "https://freesound.org/x"}
    (clip,), rejections = outcomes_of("wavcaps", written(tmp_path, **{"json_files/FreeSound/fsd_final__json": document(entry)}))
    assert not rejections
    assert clip == Clip(
        source="wavcaps",
        dataset="WavCaps",
        split="train",
        id="FreeSound_flac/180913",
        url="https://freesound.org/s/180913/",
        captions=(Caption("Rain falls.", "llm", model="ChatGPT"),),
        labels=("rain", "roof"),
        title="Rain.wav",
        creator="ann",
        recording="freesound:180913",
        row_number=1,
    )


def test_each_subset_names_its_recordings_as_the_other_sources_do(tmp_path: Path) -> None:
    given = written(
        tmp_path,
        bbc_final__json=document(ENTRY | {"id": "NHU05104027"}),
        wavcaps_sb_final__json=document(ENTRY | {"id": "637", "download_link": "http://soundbible.com/grab.php?id=637&type=wav"}),
    )
    bbc, bible = outcomes_of("wavcaps", given)[0]
    assert (bbc.recording, bbc.license) == ("bbc:NHU05104027", "RemArc")
    assert bbc.url == "https://sound-effects-media.bbcrewind.co.uk/zip/NHU05104027.wav.zip"
    assert bible.recording == bible.url == "https://soundbible.com/grab.php?id=637&type=wav"
    assert bible.id == "SoundBible_flac/637"


def test_an_excerpt_of_audioset_needs_its_start_or_an_audio_root_or_a_join(tmp_path: Path) -> None:
    written(tmp_path, as_final__json=document(ENTRY | {"id": "Yb0RFKhbpFJA.wav"}))
    _, (rejection,) = outcomes_of("wavcaps", tmp_path)
    assert "give audio_root, or audioset_train_strong.tsv" in rejection.detail
    for keys in ({"audio_root": "audio"}, {"join": True}):
        (clip,), _ = outcomes_of("wavcaps", tmp_path, **keys)
        assert (clip.url, clip.start, clip.recording, clip.id) == ("", None, "youtube:b0RFKhbpFJA", "AudioSet_SL_flac/Yb0RFKhbpFJA")
    head = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
    written(tmp_path, audioset_train_strong__tsv=f"{head}b0RFKhbpFJA_30000\t0\t1\t/m/1\nbroken\n")
    (clip,), _ = outcomes_of("wavcaps", tmp_path)
    assert (clip.url, clip.start, clip.end) == ("https://youtu.be/b0RFKhbpFJA", 30.0, 40.0)


def test_captions_are_joined_only_where_the_recipe_says_so(tmp_path: Path) -> None:
    assert not options_of("wavcaps", tmp_path).joins and options_of("wavcaps", tmp_path, join=True).joins
    (clip,), _ = outcomes_of("wavcaps", written(tmp_path, fsd_final__json=document(ENTRY)), join=True, audio_root="audio")
    assert (clip.recording, clip.url, clip.audio_root) == ("freesound:180913", "", None)


@pytest.mark.parametrize(
    ("entry", "reason", "message"),
    [
        (7, Reason.BAD_ROW, "a int, not an object"),
        (ENTRY | {"id": "x y"}, Reason.BAD_ROW, "id 'x y' is not the name of a sound of FreeSound"),
        (ENTRY | {"id": None}, Reason.BAD_ROW, "id '' is not the name"),
        (ENTRY | {"caption": ""}, Reason.NO_TEXT, "no caption is given"),
        (ENTRY | {"caption": {"a": 1}}, Reason.BAD_ROW, "caption holds a record"),
        ({"id": "1"}, Reason.NO_TEXT, "no caption is given"),
    ],
)
def test_a_bad_entry_is_rejected_with_file_and_number(entry: object, reason: Reason, message: str, tmp_path: Path) -> None:
    clips, (rejection,) = outcomes_of("wavcaps", written(tmp_path, fsd_final__json=document(ENTRY, entry)))
    assert len(clips) == 1
    assert rejection.reason is reason and rejection.detail.startswith(f"fsd_final.json, row 2: {message}")


def test_several_captions_of_an_entry_are_all_kept_and_a_caption_in_brackets_is_text(tmp_path: Path) -> None:
    given = (ENTRY | {"caption": ["a", "b"]}, ENTRY | {"id": 2, "caption": "[rain"})
    first, second = outcomes_of("wavcaps", written(tmp_path, fsd_final__json=document(*given)))[0]
    assert [caption.text for caption in first.captions] == ["a", "b"]
    assert [caption.text for caption in second.captions] == ["[rain"] and second.recording == "freesound:2"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (document(ENTRY)[:-20], "not JSON after entry 0: .*; is the download complete"),
        (document(ENTRY, ENTRY)[:-3], "not JSON after entry 1"),
        ("<html>", "not JSON after entry 0"),
        ("", "not JSON after entry 0"),
        ("{}", r"no list `data` with entries; is it a JSON file of WavCaps"),
        ('{"data": {"a": 1}}', "no list `data` with entries"),
        (b'{"data": [{"id": "\xff"}]}', "not JSON after entry 0"),
        ('{"data": [{"id": ' + "9" * 400 + "}]}", "not JSON after entry 0"),
    ],
)
def test_a_file_that_is_cut_off_or_is_another_file_is_refused(content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        list(wavcaps.read(options_of("wavcaps", written(tmp_path, fsd_final__json=content))))


def test_the_check_names_the_file_that_another_json_stands_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the first entry has no id and caption; is it WavCaps' sb_final\.json"):
        wavcaps.check(options_of("wavcaps", written(tmp_path, sb_final__json=document({"name": 1}))))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    entry = json.dumps(ENTRY | {"description": "x" * 1000})
    path = written(tmp_path, fsd_final__json=f'{{"data": [{",".join([entry] * 5000)}]}}') / "fsd_final.json"
    assert path.stat().st_size > 5 << 20
    tracemalloc.start()
    assert sum(1 for _ in entries(path)) == 5000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20

"""A clip of a benchmark is found in training by every way that it can be recognised, and what was not compared is never called clean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from pipeline.failures import UsageError
from pipeline.output.leaks_file import Certificate, State, TrainingRow, certificate, write_certificate
from pipeline.output.plan_index import OutputFormatError
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.leaks import find_leaks
from pipeline.verbs.plan import make_plan
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import build_into, tone
from tests.test_similar_index import notes

COLUMNS = "id,url,start,end,caption,labels,split,recording\n"
VIDEO = "dQw4w9WgXcQ"


def recipe_of(home: Path, name: str, *rows: str, dataset: str = "", head: str = "") -> Path:
    """Write a table of rows with `COLUMNS`, and a recipe of it; return the path of the recipe."""
    home.mkdir(exist_ok=True)
    (home / f"{name}.csv").write_text(COLUMNS + "".join(f"{row}\n" for row in rows))
    source = f'[[sources]]\nsource = "table"\ndataset = "{dataset or name}"\npath = "{name}.csv"\n'
    (home / f"{name}.toml").write_text(f'name = "{name}"\n{head}\n{source}')
    return home / f"{name}.toml"


def planned(home: Path, name: str, *rows: str, **options: str) -> Folder:
    """Plan a table into a folder."""
    folder = Folder(str(home / f"{name}.out"))
    make_plan(load_recipe(str(recipe_of(home, name, *rows, **options))), take_snapshot(folder), None, EagerEngine())
    return folder


def against(folder: Folder, *benchmarks: Path | str, **options: object) -> Certificate:
    return find_leaks(folder, list(map(str, benchmarks)), **options)  # type: ignore[arg-type]


def leaks_of(result: Certificate) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return by benchmark the clips that leak, with the kinds of evidence."""
    return {benchmark.name: {leak.id: leak.kinds for leak in benchmark.leaks} for benchmark in result.benchmarks}


def states_of(result: Certificate, number: int = 0) -> dict[str, str]:
    return {each.kind: str(each.state) for each in result.benchmarks[number].evidence}


@pytest.mark.parametrize(
    "address",
    [
        f"https://www.youtube.com/watch?v={VIDEO}",
        f"https://youtu.be/{VIDEO}?t=4",
        f"youtube.com/embed/{VIDEO}",
        f"https://music.youtube.com/watch?list=x&v={VIDEO}",
        f"https://www.youtube-nocookie.com/shorts/{VIDEO}",
    ],
)
def test_a_video_is_found_by_any_spelling_of_its_address(tmp_path: Path, address: str) -> None:
    folder = planned(tmp_path, "Mine", f"a,{address},0,10,A song,,train,")
    bench = recipe_of(tmp_path, "Bench", f"t,https://youtu.be/{VIDEO},5,15,A tune,,test,")
    assert leaks_of(against(folder, bench)) == {"Bench/test": {"t": ("recording", "seconds")}}


@pytest.mark.parametrize(
    ("start", "end", "kinds", "by_seconds"),
    [
        ("30", "40", ("recording", "seconds"), {"t"}),
        ("39.9", "49.9", ("recording", "seconds"), {"t"}),
        ("20.1", "30.1", ("recording", "seconds"), {"t"}),
        ("", "", ("recording", "seconds"), {"t"}),
        ("39", "", ("recording", "seconds"), {"t"}),
        ("40", "50", ("recording",), set()),
        ("20", "30", ("recording",), set()),
        ("", "30", ("recording",), set()),
    ],
)
def test_seconds_overlap_or_only_touch(tmp_path: Path, start: str, end: str, kinds: tuple[str, ...], by_seconds: set[str]) -> None:
    folder = planned(tmp_path, "Mine", f"a,https://youtu.be/{VIDEO},{start},{end},A song,,train,")
    bench = recipe_of(tmp_path, "Bench", f"t,https://youtu.be/{VIDEO},30,40,A tune,,test,")
    assert leaks_of(against(folder, bench)) == {"Bench/test": {"t": kinds}}
    result = against(folder, bench, by_seconds=True)
    assert set(leaks_of(result)["Bench/test"]) == by_seconds
    assert result.benchmarks[0].of("recording").n_found == 1  # it is still recorded that the video is there


def test_a_sound_of_freesound_is_found_by_the_name_of_a_file_that_was_cut_from_it(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,fold5/100032-3-0-0.wav,,,A dog,,train,", "b,1-7-A-0.wav,,,A cat,,train,")
    (tmp_path / "held.txt").write_text("freesound:100032\nhttps://freesound.org/s/7/\nfreesound:1000\n")
    result = against(folder, tmp_path / "held.txt")
    assert leaks_of(result) == {"held.txt": {"freesound:100032": ("recording",), "freesound:7": ("recording",)}}
    assert states_of(result)["seconds"] == "not compared"  # files that are cut from a sound have times of their own
    assert [row.id for row in result.rows] == ["a", "b"]


def test_bare_ids_of_a_list_need_their_site(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://freesound.org/s/7/,,,A dog,,train,")
    (tmp_path / "ids.txt").write_text("7\n8\n")
    with pytest.raises(UsageError, match="--ids-of freesound"):
        against(folder, tmp_path / "ids.txt")
    assert leaks_of(against(folder, tmp_path / "ids.txt", site="freesound")) == {"ids.txt": {"freesound:7": ("recording",)}}


def test_a_secret_of_an_address_is_neither_needed_nor_published(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://a.example/1.mp3?X-Amz-Signature=00aa11bb,,,A dog,,train,")
    (tmp_path / "held.txt").write_text("https://a.example/1.mp3?X-Amz-Signature=00aa11bb\n")
    result = against(folder, tmp_path / "held.txt")
    assert result.n_leaks == 1 and "00aa11bb" not in json.dumps(result.to_json())


def test_an_id_of_another_table_is_another_clip_and_says_nothing(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "1,https://a.example/x.mp3,,,A dog,,train,")
    result = against(folder, recipe_of(tmp_path, "Bench", "1,https://b.example/y.mp3,,,A cat,,test,"))
    assert not result.n_leaks and states_of(result)["id"] == "not compared"
    same = recipe_of(tmp_path / "other", "Bench", "1,https://b.example/y.mp3,,,A cat,,test,", dataset="Mine")
    assert leaks_of(against(folder, same)) == {"Mine/test": {"1": ("id",)}}  # the clip by its id, although it moved to another host


def test_an_id_of_a_published_set_is_the_same_clip_in_every_dataset(tmp_path: Path) -> None:
    row = f'{VIDEO},30,"rain",train\n'
    (tmp_path / "vggsound.csv").write_text(row)
    entry = '[[sources]]\nsource = "vggsound"\npath = "vggsound.csv"\n'
    (tmp_path / "mine.toml").write_text(f'name = "mine"\n{entry}dataset = "Renamed"\n')
    folder = Folder(str(tmp_path / "out"))
    make_plan(load_recipe(str(tmp_path / "mine.toml")), take_snapshot(folder), None, EagerEngine())
    (tmp_path / "bench.toml").write_text(f'name = "bench"\n{entry}')
    (kinds,) = leaks_of(against(folder, tmp_path / "bench.toml"))["VGGSound/train"].values()
    assert kinds == ("id", "recording", "seconds")  # a table without a split for evaluation is a benchmark as it is


def test_clips_of_the_folders_own_test_split_are_no_leak(tmp_path: Path) -> None:
    rows = (
        "a,https://a.example/1.mp3,,,A dog,,test,",
        "b,https://a.example/2.mp3,,,A cat,,train,",
        "c,https://a.example/3.mp3,,,A cow,,eval,",
    )
    folder = planned(tmp_path, "Mine", *rows)
    for given in (tmp_path / "Mine.toml", folder.root):  # the recipe that it was made from, and the folder itself
        result = against(folder, given)
        assert not result.n_leaks and [each.name for each in result.benchmarks] == ["Mine/eval", "Mine/test"]
        assert {each.state for each in result.benchmarks} == {State.NOTHING}
        assert list(result.splits) == ["Mine/train"]


@pytest.mark.parametrize(
    ("held", "split", "n_leaks"),
    [('["Folds"]', "fold1", 0), ('[{ name = "table:fold1" }]', "fold1", 0), ("[]", "fold1", 1), ('["Folds"]', "train", 1)],
)
def test_a_split_that_holdout_names_is_for_evaluation_unless_trainers_read_it(tmp_path: Path, held: str, split: str, n_leaks: int) -> None:
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", tone(200 + ord(name)), 44_100)
    folds = recipe_of(tmp_path, "Folds", f"a,a.wav,,,A dog,,{split},")
    mine = recipe_of(tmp_path, "Mine", "b,b.wav,,,A cat,,train,", head=f"holdout = {held}")
    mine.write_text(mine.read_text() + folds.read_text().partition("\n\n")[2])
    build_into(tmp_path / "out", mine)
    assert against(Folder(str(tmp_path / "out")), folds).n_leaks == n_leaks


def test_two_benchmarks_with_one_recording_are_both_named(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://freesound.org/s/7/,,,A dog,,train,", "b,https://freesound.org/s/7/,1,2,A dog,,train,")
    benches = [recipe_of(tmp_path, name, f"{name},https://freesound.org/s/7/,,,A cat,,test,") for name in ("One", "Two")]
    result = against(folder, *benches)
    assert leaks_of(result) == {"One/test": {"One": ("recording",)}, "Two/test": {"Two": ("recording",)}}
    assert result.n_leaks == 2 and len(result.rows) == 2
    assert [leak.n_rows for each in result.benchmarks for leak in each.leaks] == [2, 2]


def test_paths_are_compared_only_below_the_same_folder(tmp_path: Path) -> None:
    for home in (tmp_path, tmp_path / "other"):
        recipe_of(home, "Bench", "t,good.wav,,,A cat,,test,")
        soundfile.write(home / "good.wav", tone(200), 44_100)
    recipe_of(tmp_path, "Mine", "a,good.wav,,,A dog,,train,")
    build_into(tmp_path / "out", tmp_path / "Mine.toml")
    folder = Folder(str(tmp_path / "out"))
    assert leaks_of(against(folder, tmp_path / "Bench.toml")) == {"Bench/test": {"t": ("recording", "seconds")}}
    result = against(folder, tmp_path / "other" / "Bench.toml")  # a file of the same name in another folder
    assert not result.n_leaks and set(states_of(result).values()) == {"not compared", "nothing found"}
    assert states_of(result)["recording"] == states_of(result)["seconds"] == "not compared"
    assert result.not_compared and result.benchmarks[0].state == State.NOT_COMPARED


def test_rows_named_by_a_path_are_not_compared_with_ids(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,my/dog.wav,,,A dog,,train,")
    result = against(folder, recipe_of(tmp_path, "Bench", f"t,https://youtu.be/{VIDEO},,,A cat,,test,"))
    assert states_of(result)["recording"] == "not compared"
    assert "named by a path" in result.benchmarks[0].of("recording").why


def test_equal_captions_are_counted_and_are_no_leak(tmp_path: Path) -> None:
    rows = ('a,https://a.example/1.mp3,,,"A dog - BARKS!",,train,', "b,https://a.example/2.mp3,,,The sound of rain.,,train,")
    folder = planned(tmp_path, "Mine", *rows)
    benches = ("t,https://b.example/1.mp3,,,a dog   barks,,test,", "u,https://b.example/2.mp3,,,,rain,test,")
    result = against(folder, recipe_of(tmp_path, "Bench", *benches))
    text = result.benchmarks[0].of("text")
    assert (text.n_found, text.n_compared) == (1, 1) and "made from labels" in text.why  # a template names a class, and says nothing
    assert not result.n_leaks and result.benchmarks[0].state == State.NOTHING


def test_a_caption_is_found_although_it_was_made_neutral(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://a.example/1.mp3,,,A woman sings her song,,train,", head='debias = "train"')
    result = against(folder, recipe_of(tmp_path, "Bench", "t,https://b.example/1.mp3,,,A woman sings her song.,,test,"))
    assert result.benchmarks[0].of("text").n_found == 1


def test_equal_sounds_are_found_under_other_names_where_both_folders_are_built(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(200), 44_100, subtype="PCM_16")
    soundfile.write(tmp_path / "b.flac", tone(200), 44_100, subtype="PCM_16")
    soundfile.write(tmp_path / "c.wav", tone(300), 44_100)
    recipe_of(tmp_path, "Mine", "a,a.wav,,,A dog,,train,", "lost,gone.wav,,,Nothing,,train,")
    recipe_of(tmp_path, "Bench", "b,b.flac,,,A cat,,test,", "c,c.wav,,,A cow,,test,", "gone,gone.wav,,,A crow,,test,")
    for name in ("Mine", "Bench"):
        build_into(tmp_path / name, tmp_path / f"{name}.toml")
    folder = Folder(str(tmp_path / "Mine"))
    result = against(folder, tmp_path / "Bench")
    assert leaks_of(result) == {"Bench/test": {"b": ("pcm",)}}  # `lost` is in the plan and not in training: its books reject it
    pcm = result.benchmarks[0].of("pcm")
    assert (pcm.n_compared, pcm.n_rows, result.splits["Mine/train"].n_rows) == (2, 1, 1)
    assert against(folder, tmp_path / "Bench.toml").benchmarks[0].of("pcm").state == State.NOT_COMPARED


def test_a_copy_is_found_by_its_fingerprint_under_another_name_level_and_format(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", notes(1), 48_000, subtype="PCM_16")
    soundfile.write(tmp_path / "b.ogg", notes(1)[12_345:] / 100_000, 48_000, format="OGG", subtype="VORBIS")
    soundfile.write(tmp_path / "c.wav", notes(2), 48_000, subtype="PCM_16")
    recipe_of(tmp_path, "Mine", "a,a.flac,,,A dog,,train,")
    recipe_of(tmp_path, "Bench", "b,b.ogg,,,A cat,,test,", "c,c.wav,,,A cow,,test,", "d,gone.wav,,,A crow,,test,")
    for name in ("Mine", "Bench"):
        build_into(tmp_path / name, tmp_path / f"{name}.toml")
    result = against(Folder(str(tmp_path / "Mine")), tmp_path / "Bench")
    assert leaks_of(result) == {"Bench/test": {"b": ("fingerprint",)}}
    heard = result.benchmarks[0].of("fingerprint")
    assert (heard.n_compared, heard.n_rows, heard.why) == (
        2,
        1,
        "1 clip not compared: their shard is not built, or their sound could not be had",
    )
    assert against(Folder(str(tmp_path / "Mine")), tmp_path / "Bench.toml").benchmarks[0].of("fingerprint").state == State.NOT_COMPARED


def test_tables_that_are_missing_are_listed_and_never_clean(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://a.example/1.mp3,,,A dog,,train,")
    result = against(folder, "evaluation", data=str(tmp_path))
    assert {each.state for each in result.benchmarks} == {State.MISSING} and len(result.not_compared) == 6
    assert not any(each.evidence for each in result.benchmarks)


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://a.example/1.mp3,,,A dog,,train,")
    result = against(folder, recipe_of(tmp_path, "Bench", "t,https://b.example/1.mp3,,,x,,test,", "u,https://b.example/1.mp3,9,1,x,,test,"))
    assert (result.benchmarks[0].n_clips, result.benchmarks[0].n_unreadable) == (1, 1)
    only_bad = against(folder, recipe_of(tmp_path, "Worse", "u,https://b.example/1.mp3,9,1,x,,test,"))
    assert only_bad.benchmarks[0].state == State.MISSING


def test_what_cannot_be_compared_is_a_fault_of_the_user(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://a.example/1.mp3,,,A dog,,train,")
    (tmp_path / "empty.txt").write_text("# nothing\n\n")
    (tmp_path / "not-built").mkdir()
    for given, words in [("empty.txt", "the list is empty"), ("not-built", "no plan here"), ("gone", "neither a bundled recipe")]:
        with pytest.raises(UsageError, match=words):
            against(folder, tmp_path / given)
    with pytest.raises(UsageError, match="no split for evaluation"):
        against(folder, folder.root)
    with pytest.raises(OutputFormatError, match="no plan here"):
        against(Folder(str(tmp_path / "not-built")), tmp_path / "empty.txt")
    only_test = planned(tmp_path, "Other", "a,https://a.example/1.mp3,,,A dog,,test,")
    with pytest.raises(UsageError, match="no split for training"):
        against(only_test, folder.root)


def test_a_certificate_reads_as_it_was_written_and_knows_when_it_is_of_the_past(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://freesound.org/s/7/,,,A dog,,train,")
    bench = recipe_of(tmp_path, "Bench", "t,https://freesound.org/s/7/,,,A cat,,test,")
    result = against(folder, bench)
    write_certificate(result, folder)
    data = folder.read("leaks.json")
    assert certificate(folder) == result and result.rows == (TrainingRow("Mine/train/0", "a", "table-a"),)
    assert result.is_current(take_snapshot(folder))
    assert str(tmp_path) not in data.decode()  # nothing of this machine is published
    write_certificate(against(folder, bench), folder)
    assert folder.read("leaks.json") == data
    planned(tmp_path, "Mine", "a,https://freesound.org/s/7/,,,A dog,,train,", "b,https://freesound.org/s/8/,,,A cow,,train,")
    assert not result.is_current(take_snapshot(folder))


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"benchmarks": 3}', b"\xff"])
def test_a_damaged_certificate_counts_as_none(tmp_path: Path, damage: bytes) -> None:
    folder = Folder(str(tmp_path))
    assert certificate(folder) is None
    (tmp_path / "leaks.json").write_bytes(damage)
    assert certificate(folder) is None


def test_shards_that_change_make_a_certificate_outdated_and_verify_and_build_say_so(tmp_path: Path) -> None:
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", tone(200 + ord(name)), 44_100)
    recipe = recipe_of(tmp_path, "Mine", "a,a.wav,,,A dog,,train,", "b,b.wav,,,A cat,,test,")
    build_into(tmp_path / "out", recipe)
    folder = Folder(str(tmp_path / "out"))
    write_certificate(against(folder, folder.root), folder)
    assert list(verify(folder, deep=False)) == [] and not build_into(tmp_path / "out", recipe).notes
    soundfile.write(tmp_path / "a.wav", tone(999), 44_100)  # another recording under the same path: the plan stays
    assert any("leaks.json was made from another plan or other shards" in note for note in build_into(tmp_path / "out", recipe).notes)
    assert ["leaks.json was made" in str(fault) for fault in verify(folder, deep=False)] == [True]
    folder.write("leaks.json", b"{")
    assert [fault.file for fault in verify(folder, deep=False)] == ["leaks.json"]


def test_shards_of_another_plan_are_not_called_compared(tmp_path: Path) -> None:
    for name in "abc":
        soundfile.write(tmp_path / f"{name}.wav", tone(200 + ord(name)), 44_100)
    build_into(tmp_path / "out", recipe_of(tmp_path, "Mine", "a,a.wav,,,A dog,,train,"))
    folder = Folder(str(tmp_path / "out"))
    bench = recipe_of(tmp_path, "Bench", "t,b.wav,,,A dog,,test,")
    recipe = load_recipe(str(recipe_of(tmp_path, "Mine", "a,a.wav,,,A puppy,,train,", "c,c.wav,,,A cow,,train,")))
    make_plan(recipe, take_snapshot(folder), None, EagerEngine())
    result = against(folder, bench)
    assert result.n_unplanned == 1 and not result.is_complete
    assert (result.splits["Mine/train"].n_rows, result.splits["Mine/train"].n_samples) == (2, 0)


def test_the_json_names_a_state_for_every_kind(tmp_path: Path) -> None:
    folder = planned(tmp_path, "Mine", "a,https://freesound.org/s/7/,,,A dog,,train,")
    value = json.loads(json.dumps(against(folder, recipe_of(tmp_path, "Bench", "t,https://freesound.org/s/7/,,,A cat,,test,")).to_json()))
    (benchmark,) = value["benchmarks"]
    assert (value["n_leaks"], benchmark["state"], benchmark["n_leaks"]) == (1, "found", 1)
    kinds = {each["kind"]: each for each in benchmark["evidence"]}
    assert list(kinds) == ["id", "recording", "seconds", "pcm", "fingerprint", "text"]
    for each in kinds.values():
        assert (each["state"] == "not compared") == (not each["n_compared"] or not each["n_rows"])
        assert each["why"] or each["n_compared"] == benchmark["n_clips"]  # what was not compared has a reason

"""Files of excerpts are found by the names that downloaders give them, begin where the clip does, and serve no other clip."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from pipeline.records import AudioLimits, Clip, Reason, Rejected, Rejection, Sample
from pipeline.verbs.changes import Changes
from sources.metadata.file_names import FileNames
from sources.metadata.youtube_excerpts import file_excerpt
from tests.caches import UNUSED
from tests.fates import build_into
from tests.official_tables import options_of, outcomes_of, written
from tests.test_archives import make_folder, make_tar, make_zip
from transforms.audio.convert import convert
from transforms.fetching.fetch import Fetcher
from transforms.fetching.folders import LocalFolders
from transforms.fetching.roots.audio_root import AudioRootHandler
from transforms.fetching.roots.excerpt_files import ExcerptFiles
from transforms.fetching.settings import FetchSettings
from transforms.shards.make_samples import make_samples

RATE = 8_000
A, B = "-0Gj8-vB1q4", "YabcdefghI_"  # an id may begin with a hyphen or a Y, and end with an underscore


def excerpt(video: str = A, start: float = 30.0, end: float | None = 40.0, **more: Any) -> Clip:
    clip = Clip("audioset", "audioset", "train", f"{video}_{round(start * 1000)}", f"https://youtu.be/{video}", start, end)
    return replace(clip, recording=f"youtube:{video}", audio_root="root", **more)


@pytest.mark.parametrize("video", [A, B])
@pytest.mark.parametrize(
    "name",
    [
        "{0}_30.000_40.000.wav",
        "{0}_30_40.flac",
        "{0}_30.0_40.0.mp3",
        "{0}-30-40.wav",
        "[{0}]-[30-40].wav",
        "{0}_30s-40s.m4a",
        "{0}_30_10.wav",
        "{0}_30000.wav",
        "{0}_30000_40000.wav",
        "{0}_000030.wav",
        "{0}_30.wav",
        "Y{0}_30.000_40.000.wav",
        "sub/Y{0}_30000.flac",
    ],
)
def test_a_name_with_times_is_the_excerpt_and_no_other(name: str, video: str) -> None:
    files = ExcerptFiles(FileNames([name.format(video), f"{video}.wav", f"{video}_100000.wav"]))
    assert files.find(excerpt(video)) == name.format(video)
    for other in (excerpt(video, 31.0, 41.0), excerpt(video, 0.0, 10.0), excerpt("abcdefghijk"), replace(excerpt(video), recording="x:1")):
        assert files.find(other) is None


@pytest.mark.parametrize("stem", [A, f"Y{A}", f"{A}_", f"{A}_x", f"{A}_30_40_50", f"{A}30", f"{A}_0_0", f"{A}_-30", f"{A}__30"])
def test_other_names_have_no_times(stem: str) -> None:
    assert file_excerpt(stem) is None


def test_the_end_tells_two_files_of_one_start_apart_and_two_files_of_one_excerpt_are_ambiguous() -> None:
    files = ExcerptFiles(FileNames([f"{A}_30_35.wav", f"{A}_30_40.wav"]))
    assert files.find(excerpt()) == f"{A}_30_40.wav"
    assert files.find(excerpt(end=35.2)) == f"{A}_30_35.wav"  # tables round
    assert files.find(excerpt(end=60.0)) is None
    with pytest.raises(Rejected, match="ambiguous") as caught:
        ExcerptFiles(FileNames([f"{A}_30_40.wav", f"Y{A}_30.000_40.000.flac"])).find(excerpt())
    assert caught.value.reason is Reason.AMBIGUOUS


@pytest.mark.parametrize("make", [make_folder, make_zip, make_tar])
def test_a_file_named_by_the_video_is_all_of_it_unless_the_clip_says_where_it_begins(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "root", {f"Y{A}.wav": b"a", f"{B}.wav": b"b", f"{B}_30_40.wav": b"c"})
    handler = AudioRootHandler(LocalFolders(tmp_path), UNUSED)
    for clip, name, offset, is_excerpt in (
        (excerpt(A), f"Y{A}.wav", 0.0, False),
        (excerpt(A, file_start=30.0), f"Y{A}.wav", 30.0, True),
        (excerpt(B), f"{B}_30_40.wav", 30.0, True),
        (excerpt(B, 50.0, 60.0), f"{B}.wav", 0.0, False),
    ):
        file = handler.file_of(clip)
        assert file is not None and (file.name, file.offset, file.is_excerpt) == (name, offset, is_excerpt)
        (tmp_path / "work").mkdir(exist_ok=True)
        assert handler.fetch(clip, tmp_path / "work").offset == offset and handler.is_excerpt(clip) == is_excerpt
    assert handler.name_of(excerpt("abcdefghijk")) is None


def sound(path: Path, pitch: float, seconds: float) -> None:
    """Write a recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.sin(np.arange(int(seconds * RATE)) * pitch), RATE, subtype="PCM_16")


def seconds_of(outcome: Sample | Rejection) -> float | str:
    if isinstance(outcome, Rejection):
        return f"{outcome.reason}: {outcome.detail}"
    assert isinstance(outcome.flac, bytes)
    return soundfile.info(io.BytesIO(outcome.flac)).duration


def test_cut_files_of_one_video_serve_their_own_clips_and_the_full_video_the_others(tmp_path: Path) -> None:
    sound(tmp_path / "root" / f"{A}_30.000_40.000.wav", 300, 10.0)
    sound(tmp_path / "root" / f"{A}_90000.wav", 900, 4.0)  # shorter than the excerpt
    sound(tmp_path / "root" / f"Y{A}.wav", 100, 61.0)
    clips = [excerpt(start=start, end=start + 10) for start in (30.0, 90.0, 5.0, 50.0)]
    fetcher = Fetcher(tmp_path, FetchSettings())
    groups = list(fetcher.fetched_together(clips))
    assert [[clip.start for clip in group] for group in groups] == [[30.0], [90.0], [5.0, 50.0]]
    outcomes = [outcome for group in groups for outcome in make_samples(group, fetcher, AudioLimits(), tmp_path, convert)]
    assert [seconds_of(outcome) for outcome in outcomes] == [
        10.0,
        "out_of_range: excerpt from 90 s to 100 s, but the recording has 94.00 s",
        10.0,
        10.0,
    ]


TABLES = {
    "audiocaps": ({"train__csv": f"audiocap_id,youtube_id,start_time,caption\n1,{A},30,rain\n"}, {"splits": ["train"]}),
    "audioset": (
        {
            "class_labels_indices__csv": 'index,mid,display_name\n0,/m/1,"Rain"\n',
            "balanced_train_segments__csv": f'{A}, 30.000, 40.000, "/m/1"\n',
        },
        {},
    ),
    "vggsound": ({"vggsound__csv": f"{A},30,rain,train\n"}, {}),
    "musiccaps": (
        {"musiccaps-public__csv": f"ytid,start_s,end_s,aspect_list,caption,is_audioset_eval\n{A},30,40,\"['a']\",rain,False\n"},
        {},
    ),
}


@pytest.mark.parametrize("source", TABLES)
def test_every_source_of_youtube_says_where_cut_files_begin(source: str, tmp_path: Path) -> None:
    files, keys = TABLES[source]
    written(tmp_path, **files)
    sound(tmp_path / "root" / f"{A}.wav", 300, 10.0)
    fetcher = Fetcher(tmp_path, FetchSettings())
    results = {}
    for is_cut in (True, False):
        (clip,), _ = outcomes_of(source, tmp_path, audio_root="root", audio_is_cut=is_cut, **keys)
        (outcome,) = make_samples([clip], fetcher, AudioLimits(), tmp_path, convert)
        results[is_cut] = seconds_of(outcome)
    assert results[True] == 10.0 and "out_of_range: excerpt from 30 s to 40 s, but the recording has 10.00 s" in str(results[False])
    with pytest.raises(ValidationError, match="audio_is_cut says what the files of audio_root hold: give audio_root"):
        options_of(source, tmp_path, audio_is_cut=True)


RECIPE = """
name = "cut"

[[sources]]
source = "audiocaps"
path = "."
splits = ["train"]
audio_root = "cut"
audio_is_cut = {is_cut}
"""


def test_a_build_takes_each_cut_file_for_its_own_clip_and_makes_it_again_when_the_recipe_says_otherwise(tmp_path: Path) -> None:
    rows = "".join(f"{number},{video},{start},caption {number}\n" for number, (video, start) in enumerate(((A, 30), (A, 50), (B, 120))))
    written(tmp_path, train__csv=f"audiocap_id,youtube_id,start_time,caption\n{rows}")
    for name, pitch in ((f"{A}_30.000_40.000", 0.3), (f"Y{A}_50000", 0.5), (f"Y{B}", 0.7)):
        sound(tmp_path / "cut" / f"{name}.wav", pitch, 10.0)
    counts = {}
    for is_cut in ("true", "false"):
        (tmp_path / "r.toml").write_text(RECIPE.format(is_cut=is_cut))
        counts[is_cut] = build_into(tmp_path / "out", tmp_path / "r.toml", Changes(prune=True)).books.datasets["audiocaps"]
    assert (counts["true"].samples, counts["false"].samples) == (3, 2)
    assert counts["false"].reasons == {"out_of_range": 1}

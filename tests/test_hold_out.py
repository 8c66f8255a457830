"""What is held out is not trained on, whatever source it comes from."""

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Clip, Reason, Rejected
from transforms.planning.hold_out import HoldOut, check_held_out, is_held


def clip(source: str, split: str, recording: str) -> Clip:
    return Clip(source, source.title(), split, f"{source}-{split}-{recording}", recording, recording=recording)


CLIPS = [
    clip("clotho", "test", "freesound:1"),
    clip("clotho", "train", "freesound:1"),
    clip("clotho", "train", "freesound:2"),
    clip("freesound", "train", "freesound:1"),
    clip("freesound", "train", "freesound:2"),
    clip("freesound", "train", "freesound:3"),
]


@pytest.mark.parametrize(
    ("entry", "held"),
    [
        ("clotho:test", True),
        ("Clotho:test", True),
        ("clotho", True),
        ("Clotho", True),
        ("clotho:testing", True),
        ("clotho:train", False),
        ("Clotho:valid", False),
        ("freesound", False),
        ("clot", False),
        ("clotho:", True),
    ],
)
def test_a_row_is_held_by_source_or_dataset_with_or_without_a_split(entry, held):
    assert is_held(CLIPS[0], [entry]) is held


def test_a_split_is_held_under_every_name_it_goes_by():
    assert is_held(clip("clotho", "valid", "x"), ["clotho:Validation"])


def test_a_clip_of_a_held_recording_is_refused_and_the_held_row_itself_stays():
    held = {"freesound:1"}
    with pytest.raises(Rejected, match="held_out: recording freesound:1 is held out by clotho:test"):
        check_held_out(CLIPS[3], held, ["clotho:test"])
    with pytest.raises(Rejected, match="is held out by a list of recordings"):
        check_held_out(CLIPS[3], set(), [], held)
    assert check_held_out(CLIPS[0], held, ["clotho:test"]) is CLIPS[0]


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        (["clotho:test"], [0, 2, 4, 5]),
        (["Clotho"], [0, 1, 2, 5]),
        (["held.csv"], [0, 1, 2, 3, 4]),
        (["clotho:test", "held.csv"], [0, 2, 4]),
        ([], [0, 1, 2, 3, 4, 5]),
    ],
)
def test_recordings_are_held_out_over_all_sources(tmp_path, entries, left):
    (tmp_path / "held.csv").write_text("url\nhttps://freesound.org/s/3\n")

    def wire(root: beam.Pipeline) -> None:
        clips, rejections = root | beam.Create(CLIPS) | HoldOut(entries, tmp_path)
        assert_that(clips, equal_to([CLIPS[number] for number in left]), "clips")
        reasons = rejections | "Reasons" >> beam.Map(lambda no: no.reason)
        assert_that(reasons, equal_to([Reason.HELD_OUT] * (len(CLIPS) - len(left))), "rejections")

    Engine(n_workers=2).run(wire)

"""One clip an excerpt and an id."""

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Caption, Clip, Reason, Rejection
from transforms.planning.drop_duplicates import DropDuplicates, one_per_excerpt, one_per_key


def clip(number: int, text: str = "", split: str = "train", **changes) -> Clip:
    captions = (Caption(text),) if text else ()
    given = {"source": "table", "dataset": "T", "split": split, "id": f"id{number}", "url": "a.wav", "recording": "a.wav"}
    return Clip(**given | {"captions": captions, "row_number": number} | changes)


def stays_of(outcomes) -> tuple[Clip, list[Rejection]]:
    outcomes = list(outcomes)
    [stays] = [outcome for outcome in outcomes if isinstance(outcome, Clip)]
    return stays, [outcome for outcome in outcomes if isinstance(outcome, Rejection)]


def test_rows_with_a_caption_each_become_one_clip_with_all_captions_in_order():
    rows = [clip(3, "three"), clip(1, "one", labels=("x",)), clip(2, "two", labels=("y", "x")), clip(4, "one")]
    stays, gone = stays_of(one_per_excerpt(rows))
    assert [caption.text for caption in stays.captions] == ["one", "two", "three"]
    assert (stays.id, stays.labels) == ("id1", ("x", "y"))
    assert [(no.clip.id, no.detail) for no in gone] == [
        ("id2", "same excerpt as table-id1; its text was kept there"),
        ("id3", "same excerpt as table-id1; its text was kept there"),
        ("id4", "same excerpt as table-id1"),
    ]
    assert {no.reason for no in gone} == {Reason.DUPLICATE}


def test_a_clip_of_several_splits_stays_where_it_would_leak_most_and_text_stays_in_its_split():
    stays, gone = stays_of(one_per_excerpt([clip(1, "train"), clip(2, "valid", "valid"), clip(3, "test", "test", labels=("t",))]))
    assert (stays.split, [caption.text for caption in stays.captions], stays.labels) == ("test", ["test"], ("t",))
    assert [no.detail for no in gone] == ["same excerpt as table-id3, which is in split test"] * 2


def test_a_held_out_row_stays_rather_than_one_for_training():
    rows = [clip(1), clip(2, split="fold-1"), clip(3, split="test")]
    assert stays_of(one_per_excerpt(rows, ["table:fold-1"]))[0].split == "fold-1"
    assert stays_of(one_per_key([clip(1), clip(2, split="eval2")], ["T:eval2"]))[0].split == "eval2"


def test_the_order_of_arrival_does_not_matter():
    rows = [clip(1, "one"), clip(2, "two"), clip(2, "two again"), clip(3, "three", "valid")]
    assert stays_of(one_per_excerpt(rows))[0] == stays_of(one_per_excerpt(rows[::-1]))[0]


def test_fifty_thousand_rows_of_one_recording_take_no_time():
    stays, gone = stays_of(one_per_excerpt([clip(number, f"text {number}") for number in range(50_000)]))
    assert (len(stays.captions), len(gone)) == (50_000, 49_999)


def test_an_id_names_one_clip():
    stays, gone = stays_of(one_per_key([clip(2, id="x", url="b.wav"), clip(1, id="x")]))
    assert stays.url == "a.wav"
    assert gone[0].detail == "id 'x' also names another excerpt: a.wav"


def test_duplicates_are_dropped_within_a_dataset_and_nothing_is_lost():
    rows = [
        clip(1, "one"),
        clip(2, "two", start=0.0),  # the same: from the beginning
        clip(3, "three", start=1.0),
        clip(4, dataset="U"),
        clip(5, id="id3", recording="b.wav", url="b.wav"),
    ]

    def wire(root: beam.Pipeline) -> None:
        clips, rejections = root | beam.Create(rows) | DropDuplicates()
        names = clips | "Names" >> beam.Map(lambda one: (one.dataset, one.id, len(one.captions)))
        assert_that(names, equal_to([("T", "id1", 2), ("T", "id3", 1), ("U", "id4", 0)]), "clips")
        assert_that(rejections | "Orders" >> beam.Map(lambda no: no.clip.row_number), equal_to([2, 5]), "rejections")

    Engine(n_workers=2).run(wire)

"""AudioSet's tables become clips with the exact names of their classes, and bad lines become rejections."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.records import Clip, Reason, Rejection
from sources import audioset

HEAD = "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids=2\n# YTID, start_seconds, end_seconds, positive_labels\n"
CLASSES = 'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/032s66,"Gunshot, gunfire"\n2,/t/dd00088,"Gush"\n'


def write(folder: Path, *lines: str, name: str = "eval_segments.csv", **more: object) -> audioset.Options:
    (folder / name).write_text(HEAD + "".join(f"{line}\n" for line in lines))
    (folder / "class_labels_indices.csv").write_text(CLASSES)
    given = {"source": "audioset", "dataset": "audioset", "base": folder, "segments": name, "classes": "class_labels_indices.csv"}
    return audioset.Options(**given | more)  # type: ignore[arg-type]


def test_a_segment_becomes_a_clip_with_the_exact_names_of_its_classes(tmp_path: Path) -> None:
    options = write(tmp_path, '--PJHxphWEs, 30.000, 40.000, "/m/032s66,/t/dd00088"')
    audioset.check(options)
    assert list(audioset.read(options)) == [
        Clip(
            source="audioset",
            dataset="audioset",
            split="eval",
            id="--PJHxphWEs_30000",
            url="https://youtu.be/--PJHxphWEs",
            start=30.0,
            end=40.0,
            labels=("Gunshot, gunfire", "Gush"),
            recording="youtube:--PJHxphWEs",
            row_number=4,
        )
    ]


@pytest.mark.parametrize("split", ["balanced_train", "unbalanced_train", "eval"])
def test_the_split_is_in_the_name_of_the_file(split: str, tmp_path: Path) -> None:
    (clip,) = audioset.read(write(tmp_path, '--PJHxphWEs, 0.000, 10.000, "/m/09x0r"', name=f"my_{split}_segments.csv"))
    assert isinstance(clip, Clip) and clip.split == split


@pytest.mark.parametrize(
    ("line", "reason", "message"),
    [
        ('short, 0.0, 10.0, "/m/09x0r"', Reason.BAD_ROW, "'short' is not a YouTube id"),
        ('--PJHxphWEs, x, 10.0, "/m/09x0r"', Reason.BAD_ROW, "'x' is not a number"),
        ('--PJHxphWEs, 10.0, 10.0, "/m/09x0r"', Reason.BAD_ROW, "from '10.0' s to '10.0' s"),
        ('--PJHxphWEs, 0.0, 10.0, "/m/unknown"', Reason.BAD_ROW, "label '/m/unknown' is not in class_labels"),
        ("--PJHxphWEs, 0.0, 10.0", Reason.BAD_ROW, "3 cells"),
        ("--PJHxphWEs, 0.0, 10.0, /m/09x0r,/m/032s66", Reason.BAD_ROW, "5 cells"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number(line: str, reason: Reason, message: str, tmp_path: Path) -> None:
    options = write(tmp_path, line, '--PJHxphWEs, 0.000, 10.000, "/m/09x0r"')
    refused, good = audioset.read(options)
    assert isinstance(refused, Rejection) and refused.reason is reason
    assert "eval_segments.csv, line 4: " in refused.detail and message in refused.detail
    assert isinstance(good, Clip)


def test_tables_that_are_missing_or_swapped_are_refused_before_anything_runs(tmp_path: Path) -> None:
    options = write(tmp_path, '--PJHxphWEs, 0.000, 10.000, "/m/09x0r"')
    for key, value, message in [
        ("segments", "gone_eval_segments.csv", "no such file"),
        ("segments", "class_labels_indices.csv", "the split is taken from it"),
        ("classes", "gone.csv", "no such file"),
        ("classes", "eval_segments.csv", "mid and display_name are needed|cells"),
    ]:
        with pytest.raises(ValueError, match=message):
            audioset.check(options.model_copy(update={key: value}))
    (tmp_path / "eval_segments.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match="line 1 has 2 cells"):
        audioset.check(options)


def official(folder: Path, **more: object) -> audioset.Options:
    return audioset.Options(**{"source": "audioset", "base": folder} | more)  # type: ignore[arg-type]


def test_official_tables_are_found_by_their_names_and_each_gives_its_split(tmp_path: Path) -> None:
    for split in ("balanced_train", "eval"):
        write(tmp_path, f'--PJHxphWEs, {30 + len(split)}.000, 70.000, "/m/09x0r"', name=f"audioset_{split}_segments.csv")
    given = official(tmp_path)
    audioset.check(given)
    assert [(clip.split, clip.dataset) for clip in audioset.read(given) if isinstance(clip, Clip)] == [
        ("balanced_train", "audioset"),
        ("eval", "audioset"),
    ]
    assert len(list(audioset.read(official(tmp_path, splits=["eval"])))) == 1
    assert audioset.fingerprint(given) != audioset.fingerprint(official(tmp_path, splits=["eval"]))
    with pytest.raises(ValueError, match=r"no unbalanced_train_segments\.csv .* there, .*; download https://storage\.googleapis\.com/"):
        audioset.check(official(tmp_path, splits=["unbalanced_train"]))


def test_a_table_of_segments_and_the_classes_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="segments and classes are given together"):
        official(tmp_path, segments="eval_segments.csv")
    assert [need.where for need in audioset.needs(write(tmp_path))] == [
        tmp_path / "eval_segments.csv",
        tmp_path / "class_labels_indices.csv",
    ]
    assert len(audioset.needs(official(tmp_path / "empty"))) == 4


@pytest.mark.parametrize(
    "line", ['--PJHxphWEs, 30.000, 40.000, "/m/032s66,/t/dd00088"', "--PJHxphWEs,30,40.0,'/m/032s66'", 'x, 1.000, 0.000, ""']
)
def test_the_usual_form_of_a_line_is_read_as_the_parser_of_csv_reads_it(line: str, tmp_path: Path) -> None:
    fast = list(audioset.read(write(tmp_path, line)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audioset, "SEGMENT", re.compile("(?!)"))
        assert list(audioset.read(write(tmp_path, line))) == fast


def test_fingerprint_changes_with_the_content_of_each_table_and_not_with_the_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    before = audioset.fingerprint(write(tmp_path / "a"))
    assert audioset.fingerprint(write(tmp_path / "b")) == before
    options = write(tmp_path / "b", '--PJHxphWEs, 0.000, 10.000, "/m/09x0r"')
    with_a_segment = audioset.fingerprint(options)
    (tmp_path / "b" / "class_labels_indices.csv").write_text(CLASSES.replace("Gush", "Spray"))
    assert len({before, with_a_segment, audioset.fingerprint(options)}) == 3


def test_comments_empty_lines_and_bytes_that_are_not_utf_8_do_not_stop_the_reading(tmp_path: Path) -> None:
    options = write(tmp_path)
    content = (
        b"# YTID, x\n\n  \n\xff, 0.0, 10.0, /m/09x0r\n#--PJHxphWEs, 0, 1, /m/09x0r\nYTID, start_seconds, end_seconds, positive_labels\n"
    )
    (tmp_path / "eval_segments.csv").write_bytes(b"\xef\xbb\xbf" + content + b'--PJHxphWEs, 0.0, 10.0, " /m/09x0r,, /m/09x0r "\n')
    broken, clip = audioset.read(options)
    assert isinstance(broken, Rejection) and broken.clip.row_number == 4 and broken.clip.id == "eval_segments.csv-line-4"
    assert isinstance(clip, Clip) and clip.row_number == 7 and clip.labels == ("Speech",)


def test_a_segment_needs_both_times_and_a_row_of_the_classes_both_names(tmp_path: Path) -> None:
    (rejection,) = audioset.read(write(tmp_path, '--PJHxphWEs, , 10.0, "/m/09x0r"'))
    assert isinstance(rejection, Rejection) and rejection.reason is Reason.BAD_ROW
    (rejection,) = audioset.read(write(tmp_path, '--PJHxphWEs, 1.0, , "/m/09x0r"'))
    assert isinstance(rejection, Rejection) and rejection.reason is Reason.BAD_ROW
    for row in ("3,,Speech", "3,/m/1,"):
        (tmp_path / "class_labels_indices.csv").write_text(f"{CLASSES}{row}\n")
        with pytest.raises(ValueError, match=r"class_labels_indices\.csv, row 4: mid and display_name are needed"):
            audioset.class_names(tmp_path / "class_labels_indices.csv")


def test_audio_root_and_milliseconds_reach_the_clip(tmp_path: Path) -> None:
    (clip,) = audioset.read(write(tmp_path, '--PJHxphWEs, 1.2346, 10.0, "/m/09x0r"', audio_root="videos"))
    assert isinstance(clip, Clip) and (clip.id, clip.audio_root) == ("--PJHxphWEs_1235", "videos")

"""What `make readers` compares: every fault of a reader is a line, and a faultless one gives none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fates import build_into, make_fates
from tests.foreign_readers import row, shards, webdataset
from tests.readers import NOT_INSTALLED, READERS, Result, as_read, differences, table, truth

FRAMES = np.arange(-300, 300, dtype=np.int16)
HELD = {"a": {"text": ["Rain"], "frames": FRAMES}, "b": {"text": ["Wind", "A gale"], "frames": FRAMES[:10]}}
GOOD = [row("a", ["Rain"], FRAMES), row("b", ["Wind", "A gale"], FRAMES[:10])]


def test_floats_of_a_decoder_are_the_same_frames() -> None:
    assert row("a", [], FRAMES / np.float32(32_768)) == row("a", [], FRAMES)


def test_equal_samples_in_any_order_are_no_difference() -> None:
    assert list(differences("webdataset", GOOD[::-1], HELD)) == []


@pytest.mark.parametrize(
    ("read", "line"),
    [
        (GOOD[:1], "b: not read"),
        ([*GOOD, GOOD[0]], "a: read twice"),
        ([*GOOD, row("c", [], FRAMES)], "c: not in the set"),
        ([GOOD[0], row("b", ["A gale", "Wind"], FRAMES[:10])], "b: other text"),
        ([GOOD[0], row("b", ["Wind", "A gale"], FRAMES[1:11])], "b: another waveform"),
        ([GOOD[0], row("b", ["Wind", "A gale"], FRAMES[:9])], "b: another waveform"),
    ],
)
def test_every_difference_is_a_line(read: list, line: str) -> None:
    assert list(differences("webdataset", read, HELD)) == [line]


def test_the_scale_and_the_padding_of_laion_clap_are_done_to_both() -> None:
    scaled = as_read("laion_clap", FRAMES, 700)
    assert len(scaled) == 700 and np.abs(scaled[:600].astype(int) - FRAMES).max() <= 1 and not scaled[600:].any()
    assert list(differences("laion_clap", [row("a", ["Rain"], scaled)], {"a": HELD["a"]})) == []


@pytest.mark.filterwarnings("ignore")  # of webdataset and its dependencies
def test_a_reader_reads_a_build_as_it_is(tmp_path: Path) -> None:
    pytest.importorskip("webdataset")
    build_into(tmp_path / "out", make_fates(tmp_path / "in"))
    samples = truth(tmp_path / "out", "train")
    assert samples and len(shards(tmp_path / "out", "train")) > 1
    assert list(differences("webdataset", list(webdataset(tmp_path / "out", "train")), samples)) == []


def test_the_table_has_a_line_for_each_reader_and_says_what_could_not_run() -> None:
    text = table([Result("datasets", "5", 3), Result("lhotse", "", why="lhotse is not installed")])
    assert "| `datasets` | 5 |" in text and "lhotse is not installed" in text and all(name in text for name in NOT_INSTALLED)
    assert Result("datasets", "5", 2, ("a: not read",)).is_wrong and Result("datasets", "5", why="it failed").is_wrong
    assert not Result("lhotse", "", why="not installed").is_wrong and set(READERS) > {"datasets", "energon"}

"""Report the recordings that several datasets or splits share."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from pipeline.keys import TRAINING, split_rank
from pipeline.output.shared_file import SharedRecordings

NOTE = (
    "A recording counts as one, and so does a YouTube video: holdout leaves out all clips of a recording. "
    'With { name = "…", seconds = true } it leaves out the clips of a video that overlap in seconds.'
)


def shared_table(shared: Sequence[SharedRecordings] | None) -> Table | str:
    """Return a table of pairs of splits that share recordings, those of an evaluation and a training split first; a line without any."""
    if shared is None:
        return "plan/shared_recordings.json is not there or damaged: which recordings datasets share is known when the plan is made again"
    if not shared:
        return "no recording is in two datasets or splits"
    table = Table(title="recordings in two datasets or splits", title_justify="left", caption=NOTE, caption_justify="left")
    for name in ("split", "split ", "recordings", "in the plan", ""):
        table.add_column(name, justify="right" if name in {"recordings", "in the plan"} else "left")
    for each in sorted(shared, key=lambda each: (not is_leak(each), -each.n_planned, -each.n_read, each.first, each.second)):
        note = "" if not is_leak(each) else "leak" if each.n_planned else "held out"
        table.add_row(each.first, each.second, str(each.n_read), str(each.n_planned), note)
    return table


def is_leak(shared: SharedRecordings) -> bool:
    """Return whether one of two splits is for training and the other is not."""
    ranks = [split_rank(split.rpartition("/")[2]) for split in (shared.first, shared.second)]
    return (ranks[0] == TRAINING) != (ranks[1] == TRAINING)

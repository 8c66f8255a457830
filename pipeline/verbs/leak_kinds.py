"""Say what each kind of evidence gives for a benchmark: how much was compared, what was found, and why the rest was not compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import pyarrow.compute as pc

from pipeline.counted import counted
from pipeline.output.leaks_file import Evidence
from pipeline.output.shard_rows import ShardRows
from pipeline.verbs.leak_benchmarks import BenchmarkClip, BenchmarkClips, id_space
from pipeline.verbs.leak_evidence import NamedBy, Wanted, has_common_times, named_by

OTHER_PATHS = "named by a path below another folder, or one that is not known"
OWN_TIMES = "cut from a sound, with times of their own"
PATHS = "named by a path, which says nothing of the recording"
NO_PEAKS = "no peaks to compare, as silence and one tone have none"


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of training splits, counted by what they can be compared by."""

    n_rows: int
    of_spaces: Counter[str]
    named_by: Counter[NamedBy]
    n_with_sound: int
    n_with_text: int
    n_with_peaks: int

    @classmethod
    def of(cls, rows: ShardRows) -> RowCounts:
        """Count the rows of a shard."""
        spaces = Counter({id_space(source, rows.shard.dataset): n for source, n in Counter(rows.sources).items()})
        return cls(
            len(rows),
            spaces,
            Counter(map(named_by, rows.recordings)),
            n_with_sound=sum(pcm is not None for pcm in rows.pcm),
            n_with_text=pc.sum(pc.greater(pc.list_value_length(rows.captions), 0)).as_py() or 0,
            n_with_peaks=sum(map(bool, rows.fingerprints)),
        )

    def __add__(self, other: RowCounts) -> RowCounts:
        return RowCounts(
            self.n_rows + other.n_rows,
            self.of_spaces + other.of_spaces,
            self.named_by + other.named_by,
            self.n_with_sound + other.n_with_sound,
            self.n_with_text + other.n_with_text,
            self.n_with_peaks + other.n_with_peaks,
        )


NO_ROWS = RowCounts(0, Counter(), Counter(), 0, 0, 0)


def is_named(clip: BenchmarkClip, base: str, compared_base: str) -> bool:
    """Return whether the name of a clip's recording means the same in the folder that is compared: a path does below the same folder."""
    return named_by(clip.recording) != NamedBy.PATH or bool(base and base == compared_base)


def evidence_of(
    benchmark: BenchmarkClips,
    numbers: range,
    wanted: Wanted,
    named: Sequence[bool],
    kinds: Mapping[int, Set[str]],
    counts: RowCounts,
) -> Iterator[Evidence]:
    """Yield all kinds of evidence for a benchmark.

    Args:
        numbers: the numbers of its clips among those that are wanted.
        named: of each clip whether the name of its recording means the same in the folder that is compared.
        kinds: what was found of clips, by number.
        counts: the rows that were compared.
    """
    n_found = Counter(kind for number in numbers for kind in kinds.get(number, ()))

    def evidence(kind: str, n_compared: int, n_rows: int, *why: str) -> Evidence:
        is_compared = bool(n_compared and n_rows)
        return Evidence(kind, *((n_compared, n_rows, n_found[kind]) if is_compared else (0, 0, 0)), "; ".join(filter(None, why)))

    yield evidence("id", *_of_ids(benchmark, counts))
    recordings = [(wanted.clips[number].recording, named[number]) for number in numbers]
    yield evidence("recording", *_of_recordings(recordings, counts))
    yield evidence("seconds", *_of_seconds(recordings, counts))
    n_with_sound = sum(clip.pcm is not None for clip in benchmark.clips)
    unheard = _some(counts.n_rows - counts.n_with_sound, counts.n_rows, "row for training has", "rows for training have", "no sound yet")
    yield evidence("pcm", n_with_sound, counts.n_with_sound, _clips_without(benchmark, n_with_sound, benchmark.no_sound), unheard)
    n_with_peaks = sum(bool(clip.fingerprint) for clip in benchmark.clips)
    flat = _some(n_with_sound - n_with_peaks, len(numbers), "clip has", "clips have", NO_PEAKS)
    flat_rows = _some(counts.n_with_sound - counts.n_with_peaks, counts.n_rows, "row for training has", "rows for training have", NO_PEAKS)
    no_sound = _clips_without(benchmark, n_with_sound, benchmark.no_sound)
    yield evidence("fingerprint", n_with_peaks, counts.n_with_peaks, no_sound, flat, unheard, flat_rows)
    n_with_text = len({number for of_text in wanted.by_text.values() for number in of_text if number in numbers})
    yield evidence("text", n_with_text, counts.n_with_text, _clips_without(benchmark, n_with_text, benchmark.no_text))


def _of_ids(benchmark: BenchmarkClips, counts: RowCounts) -> tuple[int, int, str]:
    """Return how many clips have ids that can be compared, with how many rows, and why others have not."""
    if benchmark.no_ids:
        return 0, 0, benchmark.no_ids
    spaces = Counter(clip.id_space for clip in benchmark.clips)
    n_compared = sum(n for space, n in spaces.items() if counts.of_spaces[space])
    n_rows = sum(counts.of_spaces[space] for space in spaces)
    others = sorted(space.replace(" ", ", dataset ") for space in spaces if not counts.of_spaces[space])
    return n_compared, n_rows, f"no row for training is of source {' or '.join(others)}" if others else ""


def _of_recordings(recordings: Sequence[tuple[str, bool]], counts: RowCounts) -> tuple[int, int, str, str]:
    """Return how many clips have recordings that can be compared by name, with how many rows, and why others have not.

    Args:
        recordings: name, and whether it means the same in the folder that is compared.
    """
    n_compared = sum(is_known for _, is_known in recordings)
    n_paths = counts.named_by[NamedBy.PATH]
    has_ids = any(named_by(name) != NamedBy.PATH for name, _ in recordings)
    has_paths = any(is_known and named_by(name) == NamedBy.PATH for name, is_known in recordings)
    n_rows = has_ids * (counts.n_rows - n_paths) + has_paths * n_paths
    clips = _some(len(recordings) - n_compared, len(recordings), "clip is", "clips are", OTHER_PATHS)
    rows = "" if has_paths else _some(n_paths, counts.n_rows, "row for training is", "rows for training are", PATHS)
    return n_compared, n_rows, clips, rows


def _of_seconds(recordings: Sequence[tuple[str, bool]], counts: RowCounts) -> tuple[int, int, str, str]:
    """Return the same for seconds of these recordings."""
    timed = [(name, is_known) for name, is_known in recordings if has_common_times(name)]
    n_compared, n_rows, clips, rows = _of_recordings(timed, counts)
    cut = _some(len(recordings) - len(timed), len(recordings), "clip is", "clips are", OWN_TIMES)
    return n_compared, n_rows, "; ".join(filter(None, (cut, clips))), rows if timed else ""


def _clips_without(benchmark: BenchmarkClips, n_compared: int, why: str) -> str:
    n_without = len(benchmark.clips) - n_compared
    return "" if not n_without else why if not n_compared else f"{counted(n_without, 'clip')} not compared: {why}"


def _some(number: int, total: int, noun: str, plural: str, what: str) -> str:
    """Return a reason that holds for some of `total` things, with their number unless it holds for all of them.

    >>> _some(0, 2, "clip is", "clips are", "cut"), _some(1, 2, "clip is", "clips are", "cut"), _some(2, 2, "clip is", "clips are", "cut")
    ('', '1 clip is cut', 'all clips are cut')
    """
    return "" if not number else f"all {plural} {what}" if number == total else f"{counted(number, noun, plural)} {what}"

"""Read the clips of benchmarks: from the tables that a recipe names, from a built folder, or from a list of recordings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline.counted import counted
from pipeline.failures import UsageError
from pipeline.keys import stable_hash
from pipeline.output.layout import INDEX, PLAN
from pipeline.output.leaks_file import is_for_training
from pipeline.output.shard_rows import ShardRows, rows_of_shards
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.locate import bundled
from pipeline.recipe.model import BuildRecipe, load_recipe
from pipeline.records import GENERATED, Clip, Rejected, Rejection
from pipeline.verbs.leak_folder import FolderRecipe, real_path
from pipeline.verbs.leak_texts import own_texts
from sources.metadata.held_lists import BareIdsError, HeldOut, read_list
from sources.metadata.options import SourceOptions
from sources.metadata.store_files import address_of
from transforms.planning.captions import with_captions
from transforms.planning.drop_duplicates import distinct_excerpts
from transforms.planning.held_sources import lacking
from transforms.planning.read_sources import read_source

LISTS = frozenset({".csv", ".tsv", ".jsonl", ".parquet", ".txt", ".lst", ".ids"})
"""Endings of addresses that are lists; others are folders."""
IN_A_LIST = "a list has recordings alone"
IN_TABLES = "tables have no sound: build the recipe, and give the built folder"
OWN_TABLES = frozenset({"table", "folder"})
"""Sources whose ids the user chose: an id means nothing outside of its dataset."""


def id_space(source: str, dataset: str) -> str:
    """Return what an id is unique in: a published set or, of the user's own tables, the dataset."""
    return f"{source} {dataset}" if source in OWN_TABLES else source


@dataclass(frozen=True, slots=True)
class BenchmarkClip:
    """A clip of a benchmark. `texts` are its own captions, not those made from labels; `pcm` is the hash of its frames, if it has any.

    `fingerprint` is that of its sound, empty where it has no sound, or one without peaks.
    """

    source: str
    dataset: str
    id: str
    key: str
    recording: str
    start: float | None
    end: float | None
    texts: tuple[str, ...] = ()
    pcm: str | None = None
    fingerprint: bytes = field(default=b"", repr=False)

    @property
    def id_space(self) -> str:
        """What its id is unique in."""
        return id_space(self.source, self.dataset)


@dataclass(frozen=True, slots=True)
class BenchmarkClips:
    """The clips of a benchmark.

    `base` is the folder that paths of its recordings start from. `no_ids`, `no_sound` and `no_text` say why clips without them have none.
    """

    name: str
    against: str
    base: str = ""
    clips: tuple[BenchmarkClip, ...] = ()
    n_unreadable: int = 0
    missing: tuple[str, ...] = ()
    no_ids: str = ""
    no_sound: str = IN_TABLES
    no_text: str = "its texts are made from labels"

    @property
    def clips_sha256(self) -> str:
        """The hash of the clips, in any order."""
        return stable_hash(*sorted(map(repr, self.clips))) if self.clips else ""


def read_benchmarks(against: Iterable[str], data: str | None, site: str | None, compared: Folder) -> Iterator[BenchmarkClips]:
    """Yield the benchmarks that the user names.

    Args:
        against: names of bundled recipes, paths of recipes, built folders, or lists of recordings.
        data: folder that relative paths of recipes start from.
        site: whose bare ids lists hold: `freesound` or `youtube`.
        compared: the folder that they are compared with. Of its own datasets only splits for evaluation are benchmarks.

    Raises:
        UsageError: there is nothing of that name, a list cannot be read or is empty, or a folder has no plan.
        RecipeError: a recipe has faults.
    """
    for given in against:
        if given in bundled() or given.endswith(".toml"):
            yield from _of_recipe(load_recipe(given, data, files_are_needed=False))
        elif Path(given).is_file() or ("://" in given and PurePosixPath(given).suffix in LISTS):
            yield _of_list(given, site)
        elif "://" in given or Path(given).is_dir():
            yield from _of_folder(Folder(given), compared)
        else:
            raise UsageError(
                f"{given}: neither a bundled recipe ({', '.join(bundled())}), a TOML file, a built folder, nor a list of recordings"
            )


def _of_list(given: str, site: str | None) -> BenchmarkClips:
    try:
        listed = read_list(HeldOut(path=given, source=site), Path())  # type: ignore[arg-type]  # the parser has checked it
    except BareIdsError as error:
        raise UsageError(f"--against {error.what}; or say whose ids they are: --ids-of freesound, --ids-of youtube") from error
    except ValueError as error:
        raise UsageError(f"--against {error}") from error
    if not listed:
        raise UsageError(f"--against {given}: the list is empty, so there is nothing to compare")
    clips = tuple(BenchmarkClip("", "", each.recording, "", each.recording, each.start, each.end) for each in dict.fromkeys(listed))
    name = Path(given).name
    return BenchmarkClips(name, name, real_path(str(Path().resolve())), clips, 0, (), IN_A_LIST, IN_A_LIST, IN_A_LIST)


def _of_recipe(recipe: BuildRecipe) -> Iterator[BenchmarkClips]:
    base = real_path(address_of(recipe.folder) or str(recipe.folder))
    for dataset, sources in itertools.groupby(sorted(recipe.sources, key=lambda source: source.dataset), lambda source: source.dataset):
        options = list(sources)
        if missing := tuple(f"{need.what}: {need.step}" for each in options for need in lacking(each)):
            yield BenchmarkClips(dataset, recipe.name, missing=missing)
            continue
        rows = [row for each in options for row in read_rows(each)]
        clips = distinct_excerpts([row for row in rows if isinstance(row, Clip)], (), [])
        n_unreadable = sum(isinstance(row, Rejection) for row in rows)
        if not clips:
            yield BenchmarkClips(dataset, recipe.name, missing=(f"no row can be read: {counted(n_unreadable, 'bad row')}",))
        for split, members in _evaluated(clips):
            yield BenchmarkClips(f"{dataset}/{split}", recipe.name, base, tuple(map(_from_clip, members)), n_unreadable)


def read_rows(options: SourceOptions) -> list[Clip | Rejection]:
    """Return the rows of a source.

    Raises:
        UsageError: its table cannot be read.
    """
    try:
        return list(read_source(options))
    except ValueError as error:
        raise UsageError(f"{options.dataset}: {error}") from error


def _evaluated(clips: Iterable[Clip]) -> Iterator[tuple[str, list[Clip]]]:
    """Yield the splits of a dataset that are benchmarks: those that are not for training or, where it has no others, all."""
    splits: dict[str, list[Clip]] = {}
    for clip in clips:
        splits.setdefault(clip.split, []).append(clip)
    evaluated = [split for split in sorted(splits) if not is_for_training(split)] or sorted(splits)
    yield from ((split, splits[split]) for split in evaluated)


def _from_clip(clip: Clip) -> BenchmarkClip:
    try:
        captions = with_captions(clip).captions
    except Rejected:  # it has neither caption nor label
        captions = ()
    texts = tuple(caption.text for caption in captions if caption.origin not in GENERATED)
    return BenchmarkClip(clip.source, clip.dataset, clip.id, clip.key, clip.recording, clip.start, clip.end, texts)


def _of_folder(folder: Folder, compared: Folder) -> Iterator[BenchmarkClips]:
    """Yield the splits for evaluation of a built folder; of a dataset without any all splits, but not those that are compared."""
    if not folder.exists(f"{PLAN}/{INDEX}"):
        raise UsageError(f"--against {folder.root}: no plan here ({PLAN}/{INDEX} is missing); give a folder that was built, or a recipe")
    snapshot = take_snapshot(folder)
    assert snapshot.plan is not None
    recipe, is_itself = FolderRecipe.of(folder), real_path(folder.root.rstrip("/")) == real_path(compared.root.rstrip("/"))
    against = Path(folder.root.rstrip("/")).resolve().name
    splits: dict[str, set[str]] = {}
    for planned in snapshot.plan.shards:
        splits.setdefault(planned.shard.dataset, set()).add(planned.shard.split)
    wanted = []
    for dataset, names in sorted(splits.items()):
        evaluated = sorted(name for name in names if not recipe.trains_on(dataset, name))
        wanted += [f"{dataset}/{split}" for split in (evaluated or ([] if is_itself else sorted(names)))]
    if not wanted:
        raise UsageError(f"--against {folder.root}: it has no split for evaluation, so there is nothing to compare")
    no_sound = "their shard is not built, or their sound could not be had"
    for name in wanted:
        shards = [planned for planned in snapshot.plan.shards if planned.shard.folder == name]
        clips = tuple(itertools.chain.from_iterable(map(_from_rows, rows_of_shards(snapshot, shards, with_rejected=True))))
        yield BenchmarkClips(name, against, recipe.base, clips, no_sound=no_sound)


def _from_rows(rows: ShardRows) -> Iterator[BenchmarkClip]:
    times = zip(rows.starts, rows.ends, strict=True)
    sounds = zip(rows.pcm, rows.fingerprints, strict=True)
    columns = zip(rows.sources, rows.ids, rows.keys, rows.recordings, times, own_texts(rows.captions), sounds, strict=True)
    for source, clip_id, key, recording, (start, end), texts, sound in columns:
        yield BenchmarkClip(source, rows.shard.dataset, clip_id, key, recording, start, end, texts, *sound)

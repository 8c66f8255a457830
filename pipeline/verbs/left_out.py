"""List the files that no row of a build uses: below the `root` of a source `folder`, and in each `audio_root`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.output.plan_files import read_left_out, read_rows_of
from pipeline.output.snapshot import Snapshot
from pipeline.recipe.model import BuildRecipe
from pipeline.records import Clip, Reason, Rejected
from sources import folder
from sources.metadata.file_names import is_made_by_macos
from sources.metadata.recording_names import suffix_of
from transforms.fetching.fetch import Fetcher
from transforms.fetching.roots.audio_root import AudioRootHandler

MAX_NAMES, MAX_LINKS = 3, 5  # shown of the files of a folder, and of its links
MAX_SUFFIXES = 8


def left_out_lines(recipe: BuildRecipe, snapshot: Snapshot, fetcher: Fetcher, with_roots: bool) -> Iterator[str]:
    """Yield lines about the files that are left out.

    Args:
        with_roots: look through every `audio_root` too, which reads all rows of the plan.
    """
    for options in recipe.sources:
        if isinstance(options, folder.Options):
            yield from describe(f"folder {options.root!r}", "not taken for recordings", folder.left_out(options))
    roots = {options.audio_root: options for options in recipe.sources if options.audio_root is not None}
    if with_roots and roots and fetcher.audio_roots is not None:
        used = _used(recipe, snapshot, fetcher.audio_roots)
        for path, options in roots.items():
            try:
                root = fetcher.audio_roots.root_of(Clip(options.source, options.dataset, "", "", "", audio_root=path))
            except Rejected:  # each of its rows says why
                continue
            present = {identity: name for name in sorted(root.names.names, reverse=True) if (identity := root.names.identity_of(name))}
            unused = [(name, "") for identity, name in present.items() if identity not in used.get(path, set())]
            yield from describe(f"audio_root {path!r}", "used by no row", [*sorted(unused), *root.left_out])


def describe(where: str, why: str, left_out: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield a line that counts files by suffix, and a line for each of the first links that are not followed.

    >>> list(describe("folder 'a'", "not taken for recordings", [("x.pdf", ""), ("y.pdf", ""), ("to", "a link")]))
    ["folder 'a': 2 files left out, not taken for recordings (.pdf 2): x.pdf, y.pdf", "folder 'a': 'to' is left out: a link"]
    """
    files = [name for name, link in left_out if not link]
    links = [(name, link) for name, link in left_out if link]
    if files:
        counts = Counter("macOS ._" if is_made_by_macos(name) else suffix_of(name) or "without suffix" for name in files)
        kinds = [f"{suffix} {count}" for suffix, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
        more = ", ..." if len(files) > MAX_NAMES else ""
        kinds = [*kinds[:MAX_SUFFIXES], *(["..."] if len(kinds) > MAX_SUFFIXES else [])]
        named = ", ".join(map(_shown, files[:MAX_NAMES])) + more
        counted = f"{len(files)} file{'s' if len(files) > 1 else ''} left out"
        yield f"{where}: {counted}, {why} ({', '.join(kinds)}): {named}"
    for name, link in links[:MAX_LINKS]:
        yield f"{where}: {name[-200:]!r} is left out: {link}"
    if len(links) > MAX_LINKS:
        yield f"{where}: {len(links) - MAX_LINKS} more links or folders are left out"


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _used(recipe: BuildRecipe, snapshot: Snapshot, roots: AudioRootHandler) -> dict[str, set[object]]:
    """Return for each audio_root the files that rows use, those that were left out of the plan included."""
    used: dict[str, set[object]] = {}
    for clip in _clips(recipe, snapshot):
        try:
            name = roots.name_of(clip)
        except Rejected:
            continue
        if name is not None and clip.audio_root is not None:
            used.setdefault(clip.audio_root, set()).add(roots.root_of(clip).names.identity_of(name))
    return used


def _clips(recipe: BuildRecipe, snapshot: Snapshot) -> Iterator[Clip]:
    """Yield the rows of a plan that have an audio_root, and the rows that were left out of it."""
    roots = {options.dataset: options.audio_root for options in recipe.sources if options.audio_root is not None}
    for planned in snapshot.plan.shards if snapshot.plan else ():
        if planned.shard.dataset in roots:
            yield from read_rows_of(snapshot.folder, planned.shard)
    for row in read_left_out(snapshot.folder).to_pylist():
        if row["dataset"] in roots and row["reason"] != Reason.REMOVED:
            yield Clip(row["source"], row["dataset"], row["split"], row["id"], row["url"], audio_root=roots[row["dataset"]])

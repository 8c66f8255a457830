"""Read a folder of bought or downloaded recordings whose file names describe them: the common reader of four libraries.

It is the source `folder` with another text: captions.csv and side-cars are used as there; every other recording has the words of its
file name. Names of folders are no labels: they name libraries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import ClassVar

from pipeline.records import Caption, Clip, Rejection
from sources import folder
from sources.metadata.card import Need
from sources.metadata.needs import file_need
from sources.metadata.options import SourceOptions

LICENSE = "as bought"


class BoughtFolderOptions(SourceOptions):
    """Keys of an entry: `path`, the folder of recordings, and the `split` of all of them.

    `vendors` are words in the library's file names that say nothing about the sound; `step` says how to get the library.
    """

    path: str
    split: str = "train"
    vendors: ClassVar[tuple[str, ...]] = ()
    step: ClassVar[str]

    @property
    def paths_start_in(self) -> Path:
        """The folder of recordings."""
        return self.resolve(self.path)


def read(options: BoughtFolderOptions) -> Iterator[Clip | Rejection]:
    """Yield the outcomes of the source `folder`, with the words of its file name for a recording that has no other text.

    Raises:
        ValueError: the folder is missing, or its captions.csv cannot be read.
    """
    check(options)
    for number, outcome in enumerate(folder.read(_as_folder(options)), 1):
        if isinstance(outcome, Clip):
            yield replace(_with_file_name(outcome, options), row_number=number, audio_root=options.audio_root)
        else:
            yield outcome


def needs(options: BoughtFolderOptions) -> tuple[Need, ...]:
    """Return the folder of recordings."""
    return (file_need(options, options.path, "folder of recordings", options.step),)


def check(options: BoughtFolderOptions) -> None:
    """Raise ValueError when the folder is missing, or its captions.csv cannot be read."""
    if not options.resolve(options.path).is_dir():
        raise ValueError(f"path = {options.path!r}: no such folder below {options.base}: {options.step}")
    folder.check(_as_folder(options))


def fingerprint(options: BoughtFolderOptions) -> str:
    """Return a hash of the paths of all recordings, and of the content of captions.csv and the side-cars."""
    return folder.fingerprint(_as_folder(options))


def _as_folder(options: BoughtFolderOptions) -> folder.Options:
    inner = folder.Options(source=options.source, dataset=options.dataset, base=options.base, root=options.path, split=options.split)
    return inner.with_local_files(options.allowed_folders)


def _with_file_name(clip: Clip, options: BoughtFolderOptions) -> Clip:
    """Return a clip with the words of its file name, where nothing but the name of its folder describes it."""
    from augment.library_names import library_name_to_text  # slow to import, and `check` does without

    path = PurePosixPath(clip.url)
    license_name = clip.license or LICENSE
    if clip.captions or (clip.labels and clip.labels != (path.parent.name,)):
        return replace(clip, license=license_name)
    text = library_name_to_text(path.name, options.vendors)
    captions = (Caption(text, "title"),) if text else ()
    return replace(clip, captions=captions, labels=(), title=clip.title or path.name, license=license_name)

"""Read tables that hold only captions of excerpts of YouTube, written by a language model: an id and a caption a row.

They bring no audio. By default the captions are joined to clips of other sources: of the same video, and of the same seconds where the
table has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pipeline.records import Caption, Clip, Reason, Rejected, Rejection
from sources.metadata.cells import name_of, text_of
from sources.metadata.official_files import official_files
from sources.metadata.official_rows import outcomes, table_rows
from sources.metadata.row import Row
from sources.metadata.youtube_excerpts import YouTubeOptions, address_of, named_excerpt


class CaptionTableOptions(YouTubeOptions):
    """Keys of an entry for a table of captions: those of `YouTubeOptions`, and `join`.

    With `join = true`, which is the default, captions go to clips of other sources with the same recording, and no clip is made of a row.
    """

    join: bool = True

    @property
    def joins(self) -> bool:
        """Whether the captions are for clips of other sources."""
        return self.join


def check_caption_tables(options: CaptionTableOptions, id_column: str) -> None:
    """Raise ValueError when a table is missing or is another table.

    Only the first row is read: the tables have up to four million, and a check runs at every command.
    """
    for file, path in official_files(options).items():
        first = next(table_rows(file, path, (id_column, "caption")), None)
        try:
            if first is not None and not first.fault:
                named_excerpt(name_of(first.values[id_column], id_column))
        except Rejected as rejected:
            raise ValueError(f"{path}, row {first.number if first else 1}: {rejected.detail}; is it {file.shown}?") from rejected


def read_caption_tables(options: CaptionTableOptions, id_column: str, model: str) -> Iterator[Clip | Rejection]:
    """Yield a clip for every row and a rejection for every row that has no id or no caption.

    Args:
        model: name of the model that wrote the captions, or of the set when several did.

    Raises:
        ValueError: a table is missing, is another table, or cannot be read to its end.
    """
    for file, path in official_files(options).items():
        rows = table_rows(file, path, (id_column, "caption"))
        split = file.part if file.part in {"train", "test"} else "train"
        make = partial(_clip, id_column=id_column, model=model, split=split, options=options)
        yield from outcomes(path, rows, options, split, make)


def _clip(row: Row, id_column: str, model: str, split: str, options: CaptionTableOptions) -> Clip:
    """Return the clip of a row, or raise Rejected.

    An excerpt whose start is not known has no address: its video is longer than it. A row that is joined has no way to audio.
    """
    name, caption = name_of(row.values[id_column], id_column), text_of(row.values["caption"], "caption")
    video, start, end = named_excerpt(name)
    if not caption:
        raise Rejected(Reason.NO_TEXT, "no caption is given")
    if start is None and not options.join and options.audio_root is None:
        raise Rejected(Reason.BAD_ROW, f"where the excerpt of {video} begins is not known: give audio_root, or join = true")
    return Clip(
        source=options.source,
        dataset=options.dataset,
        split=split,
        id=video if start is None else f"{video}_{round(start * 1000)}",
        url="" if start is None or options.join else address_of(video),
        start=start,
        end=end,
        captions=(Caption(caption, "llm", model=model),),
        recording=f"youtube:{video}",
        audio_root=None if options.join else options.audio_root,
        row_number=row.number,
        file_start=start if options.audio_is_cut and not options.join else None,
    )

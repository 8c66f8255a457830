"""Write the index of each tar of a folder beside it, so that the set can be read from a server with one request a shard."""

import json
from pathlib import Path

from train.data.books import read_books, write_index
from train.data.index import list_members
from train.data.members import Members
from train.data.ranges import local_range
from train.data.sample_text import FIELDS
from train.data.shards import BOOKS, Shard
from train.errors import BadInput
from train.loop.atomic import atomic_write


def write_indexes(root: str) -> tuple[int, int, int]:
    """Write `N.index.parquet` beside each `N.tar` below a folder. A tar whose books hold what is needed gets none.

    Return how many tars got one, how many samples these have, and how many tars need none. Raise BadInput if there is no tar, or if one
    cannot be read.
    """
    if not Path(root).is_dir():
        raise BadInput(f"{root} is no folder; the index is written beside the tars, so give a folder of this machine, before it is copied")
    tars = sorted(path for path in Path(root).rglob("*.tar") if path.is_file())
    if not tars:
        raise BadInput(f"{root} holds no .tar")
    n_written = n_samples = 0
    for tar in tars:
        shard = Shard(str(tar), -1, "", n_bytes=tar.stat().st_size)
        books = tar.with_suffix(BOOKS[1])
        if books.exists() and read_books(books.read_bytes(), shard):
            continue
        members = list_members(shard, tar.parent)
        with atomic_write(tar.with_suffix(BOOKS[0])) as file:
            file.write(write_index(members, read_texts(tar, members), shard))
        n_written, n_samples = n_written + 1, n_samples + len(members.rows)
    return n_written, n_samples, len(tars) - n_written


def read_texts(tar: Path, members: Members) -> list[str]:
    """Return the texts and tags of each sample as JSON."""
    texts = []
    for row, name in zip(members.rows, members.file_names(), strict=True):
        data = local_range(tar, int(row["text_start"]), int(row["text_size"]))
        texts.append(_short(data) if name.endswith(b".json") else json.dumps({"text": data.decode("utf-8-sig", "replace")}))
    return texts


def _short(data: bytes) -> str:
    """Return the part of a sample's JSON that is read for training. What cannot be read is an error there, not here."""
    try:
        sample = json.loads(data)
    except (ValueError, RecursionError):
        return "null"
    kept = {name: sample[name] for name in (*FIELDS.values(), "tag") if name in sample} if isinstance(sample, dict) else None
    return json.dumps(kept)

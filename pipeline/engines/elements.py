"""Give a pipeline its first elements: inside of the job while they are few, else in files of the output folder.

A job is one message of bounded size: Dataflow takes 10 MB. Without files, a build of 100,000 shards would be larger.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import STAGED
from pipeline.output.storage import Folder

MAX_IN_JOB = 1_000_000
"""Bytes of elements that are put into a job, a tenth of what Dataflow takes."""
N_IN_FILE = 500  # elements
N_UPLOADS = 16


@dataclass(frozen=True, slots=True)
class ElementsFile:
    """A file of elements. `sha256` is of its content: a worker loads nothing that another program wrote there."""

    name: str
    sha256: str


@contextlib.contextmanager
def elements(values: Sequence[Any], folder: Folder) -> Iterator[beam.PTransform]:
    """Yield a transform that gives a pipeline these elements, in this order. Files are removed when the context ends.

    Args:
        values: they can be pickled; equal values give equal jobs.
        folder: where files are written.
    """
    given = Elements(values, folder)
    with ThreadPoolExecutor(1 if folder.is_local else N_UPLOADS) as pool:
        list(pool.map(lambda file: folder.write(file.name, given.files[file]), given.files))
    try:
        yield given
    finally:
        if given.files:
            folder.remove_below(given.below)


class Elements(beam.PTransform):
    """A pipeline -> its elements. `files` are those that have to be in the folder when it runs, with their content."""

    def __init__(self, values: Sequence[Any], folder: Folder):
        super().__init__()
        pickled = [pickle.dumps(values[first : first + N_IN_FILE], protocol=5) for first in range(0, len(values), N_IN_FILE)]
        are_many = sum(map(len, pickled)) > MAX_IN_JOB
        self.values = values
        self.folder = folder
        self.below = f"{STAGED}/elements/{hashlib.sha256(b''.join(pickled)).hexdigest()[:16]}"
        named = ((f"{self.below}/{number:05d}", data) for number, data in enumerate(pickled if are_many else ()))
        self.files = {ElementsFile(name, hashlib.sha256(data).hexdigest()): data for name, data in named}

    def expand(self, root: beam.Pipeline) -> beam.PCollection:
        """Add the steps."""
        if not self.files:
            return root | "Given" >> beam.Create(self.values)
        return root | "Files" >> beam.Create(list(self.files)) | "Elements" >> beam.FlatMap(read_elements, self.folder)


def read_elements(file: ElementsFile, folder: Folder) -> list[Any]:
    """Return the elements of a file.

    Raises:
        DamagedFileError: its content is not what was written there.
    """
    data = folder.read(file.name)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise DamagedFileError(file.name, "it is not what this build wrote there")
    values: list[Any] = pickle.loads(data)
    return values

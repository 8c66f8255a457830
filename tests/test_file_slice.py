"""A part of a file reads like a file of its own, with the bytes that were replaced."""

import io
import os

from hypothesis import given
from hypothesis import strategies as st

from transforms.audio.file_slice import FileSlice

DATA = bytes(range(200))


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 250), st.integers(0, 60), st.integers(0, 195))
def test_any_piece_is_that_of_the_replaced_bytes(a, b, at, size, patched):
    start, stop = sorted((a, b))
    expected = (DATA[:patched] + b"patch" + DATA[patched + 5 :])[start:stop]
    part = FileSlice(io.BytesIO(DATA), start, stop, [(patched, b"patch")])
    part.seek(at)
    assert part.read(size) == expected[at : at + size]


def test_a_seek_stays_inside_the_part():
    part = FileSlice(io.BytesIO(DATA), 50, 100)
    assert part.seek(1 << 70) == 50
    assert part.seek(-5, os.SEEK_END) == 45
    assert part.read() == DATA[95:100]
    assert part.seek(-1000, os.SEEK_CUR) == 0

"""FLAC passes between processes complete and in order, whatever its size, and the shared file does not stay large."""

import os
from pathlib import Path

import pytest

from pipeline.records import Reason, Rejected, SourceFormat, Statistics
from transforms.audio.converted import Converted
from transforms.audio.shared_flac import KEPT_BYTES, open_shared_file, put_flac, take_flac

STATISTICS = Statistics(48_000, 1.0, 0.5, 0.1, 0.0, 0.0, 0.0, "hash")


def converted(flac: bytes | Path) -> Converted:
    return Converted(flac, STATISTICS, SourceFormat("wav/pcm_16", 48_000, 1, "soundfile"))


@pytest.fixture
def file():
    descriptor = open_shared_file()
    yield descriptor
    os.close(descriptor)


def test_flac_rejections_and_files_come_back_as_they_were(file):
    results = [converted(b"first"), Rejected(Reason.SILENT, "still"), converted(Path("/long")), converted(b"last" * 1000)]
    emptied, sizes = put_flac(results, file)
    assert sizes == [5, 0, 0, 4000]
    assert [result.flac for result in emptied if isinstance(result, Converted)] == [b"", Path("/long"), b""]
    assert take_flac(emptied, sizes, file) == results


def test_a_shorter_answer_is_not_followed_by_the_rest_of_a_longer_one(file):
    for flac in (b"long" * 500, b"x"):
        assert take_flac(*put_flac([converted(flac)], file), file) == [converted(flac)]


def test_a_large_answer_does_not_stay_in_the_memory(file):
    results = [converted(bytes(KEPT_BYTES)), converted(b"more")]
    assert take_flac(*put_flac(results, file), file) == results
    assert os.fstat(file).st_size == KEPT_BYTES


def test_a_file_that_is_too_short_is_an_error_and_no_shorter_flac(file):
    emptied, sizes = put_flac([converted(b"0123456789")], file)
    os.ftruncate(file, 4)
    with pytest.raises(EOFError, match="4 of 10 bytes"):
        take_flac(emptied, sizes, file)

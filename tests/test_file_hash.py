"""The hash of a file depends on its content alone."""

import pytest

from sources.metadata.file_hash import file_sha256


def test_hash_is_the_sha_256_of_the_content(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"abc")
    (tmp_path / "b.csv").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert file_sha256(tmp_path / "a.csv") == file_sha256(tmp_path / "b.csv") == expected


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "missing.csv")

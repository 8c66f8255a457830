"""A cell of a table is a path or an address, and its blanks belong to a name only where a file has them."""

from pathlib import PurePosixPath

import pytest

from sources.metadata.local_paths import url_of


@pytest.mark.parametrize(
    ("cell", "files", "url"),
    [
        ("a.wav", [], "meta/a.wav"),
        (" a.wav", [], "meta/a.wav"),
        (" a.wav", [" a.wav"], "meta/ a.wav"),
        (" a.wav", [" a.wav", "a.wav"], "meta/ a.wav"),
        ("a.wav ", ["a.wav"], "meta/a.wav"),
        ("Scene: night.wav", ["Scene: night.wav"], "meta/Scene: night.wav"),
        (" Scene: night.wav", ["Scene: night.wav"], "meta/Scene: night.wav"),
        ("Scene: night.wav", [], "Scene: night.wav"),
        ("file:a.wav", ["a.wav"], "file:a.wav"),
        ("file:a.wav", ["file:a.wav"], "meta/file:a.wav"),
        ("a#1.wav", [], "meta/a#1.wav"),
        ("what?.wav", [], "meta/what?.wav"),
        ("s3://bucket/a.wav", [], "s3://bucket/a.wav"),
        (" https://example.org/a.wav ", ["a.wav"], "https://example.org/a.wav"),
        ("HTTP://example.org/a.wav", [], "HTTP://example.org/a.wav"),
        ("bundled:quickstart/a.wav", [], "bundled:quickstart/a.wav"),
        ("C:a.wav", [], "meta/C:a.wav"),
        ("/abs/a.wav", [], "/abs/a.wav"),
        ("", [], ""),
        ("  ", [], ""),
    ],
)
def test_an_existing_file_is_a_path(tmp_path, cell, files, url):
    (tmp_path / "meta").mkdir()
    for name in files:
        (tmp_path / "meta" / name).touch()
    assert url_of(cell, PurePosixPath("meta"), tmp_path) == url


def test_with_audio_root_blanks_are_kept_for_its_names_to_decide(tmp_path):
    assert url_of(" a.wav", PurePosixPath(), tmp_path, exact=True) == " a.wav"
    assert url_of(" https://example.org/a.wav", PurePosixPath(), tmp_path, exact=True) == "https://example.org/a.wav"

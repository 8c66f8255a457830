"""An address that no folder can be at is refused before anything runs, with what to do."""

from __future__ import annotations

import importlib.util

import pytest

from pipeline.output.folder_address import checked_address
from pipeline.parser import make_parser


@pytest.fixture(autouse=True)
def all_packages(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)


@pytest.mark.parametrize("text", ["s3://b", "gs://b/a b%20#?*/", "file:///data/x", "data/a:b", "C:/x", "x::y", "a:/b"])
def test_paths_and_addresses_of_stores_are_taken_as_they_are(text):
    assert checked_address(text) == text


def test_schemes_are_taken_in_any_case():
    assert [checked_address(text) for text in ("S3://B/X", "GS://b", "FILE:///X")] == ["s3://B/X", "gs://b", "file:///X"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("foo://bucket/x", "foo:// is no store"),
        ("http://host/x", "http:// is no store"),
        ("memory://x", "memory:// is no store"),
        ("simplecache::s3://b/x", "is no store"),
        ("s3://", "names no bucket"),
        ("s3:///x", "names no bucket"),
        ("s3:/bucket/x", "two slashes"),
        ("gs:bucket", "two slashes"),
    ],
)
def test_other_addresses_are_refused_with_what_is_allowed(text, why):
    with pytest.raises(ValueError, match=rf"{why}.*; give a path, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER$"):
        checked_address(text)


@pytest.mark.parametrize(("address", "extra"), [("s3://b/x", "s3"), ("s3a://b/x", "s3"), ("gs://b/x", "gcs"), ("gcs://b/x", "gcs")])
@pytest.mark.parametrize("arguments", ["build r --output", "plan r --output", "status", "verify", "retry", "recaption"])
def test_a_missing_package_of_a_store_is_bad_usage_in_every_verb(address, extra, arguments, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stopped:
        make_parser().parse_args([*arguments.split(), address])
    assert stopped.value.code == 2 and f"pip install 'laion-audio[{extra}]'" in capsys.readouterr().err

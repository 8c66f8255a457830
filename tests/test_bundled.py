"""Recordings of the package are fetched wherever the recipe is, and nothing outside the package."""

from __future__ import annotations

import pytest

from pipeline.records import Clip, Reason, Rejected
from transforms.fetching.bundled import BundledHandler, bundled_path


def clip(url: str) -> Clip:
    return Clip(source="table", dataset="Mine", split="train", id="a", url=url)


def test_a_bundled_file_is_in_the_sources_of_the_package(tmp_path):
    recording = BundledHandler().fetch(clip("bundled:quickstart/clips.csv"), tmp_path)
    assert recording.path == bundled_path("bundled:quickstart/clips.csv")
    assert recording.path.parts[-3:] == ("sources", "quickstart", "clips.csv")
    assert recording.provenance.n_bytes == recording.path.stat().st_size


@pytest.mark.parametrize(
    ("url", "matches"), [("bundled:a", True), ("bundled:", True), ("BUNDLED:a", False), ("a/bundled:b", False), ("", False)]
)
def test_only_addresses_that_begin_with_bundled_match(url, matches):
    assert BundledHandler().matches(clip(url)) is matches


@pytest.mark.parametrize(
    ("name", "reason", "detail"),
    [
        ("../pyproject.toml", Reason.UNSAFE_ADDRESS, "leads out of the bundled recordings"),
        ("quickstart/../../pyproject.toml", Reason.UNSAFE_ADDRESS, None),
        ("/etc/passwd", Reason.UNSAFE_ADDRESS, None),
        ("//etc/passwd", Reason.UNSAFE_ADDRESS, None),
        ("../sources-of-others/a.wav", Reason.UNSAFE_ADDRESS, None),
        ("quickstart/no-such.wav", Reason.NOT_FOUND, "no file 'no-such.wav'"),
        ("a\0b", Reason.NOT_FOUND, r"'a\x00b' is not a file name"),
        ("\0" + "a" * 300, Reason.NOT_FOUND, rf"'\x00{'a' * 79}' is not a file name"),
        ("a" * 300, Reason.NOT_FOUND, None),
        ("%2e%2e/pyproject.toml", Reason.NOT_FOUND, None),
        ("", Reason.NOT_AUDIO, None),
        ("quickstart", Reason.NOT_AUDIO, None),
        ("quickstart/..", Reason.NOT_AUDIO, None),
    ],
)
def test_a_bundled_address_never_leads_out_of_the_package(tmp_path, name, reason, detail):
    with pytest.raises(Rejected) as caught:
        BundledHandler().fetch(clip(f"bundled:{name}"), tmp_path)
    assert caught.value.reason == reason
    assert detail is None or caught.value.detail == detail

"""A page that comes in place of a recording is known by its content, whatever the headers say."""

from __future__ import annotations

import io
import wave

import pytest

from pipeline.records import Reason, Rejected
from transforms.fetching.web.error_pages import check_no_page, page_in


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (b"<!DOCTYPE html><html><title>Sign in</title>", "a page of HTML: 'Sign in'"),
        (b"\n\n  <HTML lang=en><head><TITLE>\n Not\nFound </TITLE>", "a page of HTML: 'Not Found'"),
        (b"\xef\xbb\xbf<!-- a --><!-- b --> <html>", "a page of HTML"),
        ("<!doctype html><title>Sorry</title>".encode("utf-16"), "a page of HTML: 'Sorry'"),
        (b"<html><body><h1 class='x'>429 &amp; wait</h1>", "a page of HTML: '429 & wait'"),
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>Gone</Message></Error>", "XML: 'Gone'"),
        (b"<title>a\x00b\x1b[31m" + b"c" * 500 + b"</title>", "a page of HTML: 'ab[31m" + "c" * 114 + "'"),
        (b"<title>see https://h/?token=hush</title>", "a page of HTML: 'see https://h/?token=...'"),
        (b'{"detail": "Authentication credentials were not provided."}', "JSON: 'Authentication credentials were not provided.'"),
        (b'{"error": {"code": 5, "message": "quota"}}', "JSON: 'quota'"),
        (b'[1, {"a": null}]', "JSON"),
        (b'{"message": 5}', "JSON"),
    ],
)
def test_a_page_is_named_with_its_own_words(head, fault):
    assert page_in(head) == fault


@pytest.mark.parametrize(
    "head",
    [b"", b"RIFF\0\0\0\0WAVE", b"{", b"[" * 70_000, b"{not json}", b"<", b"<3 noise", b"ID3<html>", b"\xff\xfe<", b"\xff\xfb\x90\x00" * 50],
)
def test_what_is_no_page_is_left_to_the_decoder(head):
    assert page_in(head) is None


def test_a_recording_passes_and_a_page_does_not(tmp_path):
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"<html>" * 1000)
    (tmp_path / "sound").write_bytes(sound.getvalue())
    check_no_page(tmp_path / "sound")
    (tmp_path / "page").write_bytes(b"<html>")
    with pytest.raises(Rejected) as caught:
        check_no_page(tmp_path / "page")
    assert (caught.value.reason, caught.value.detail) == (Reason.NOT_AUDIO, "not audio but a page of HTML")

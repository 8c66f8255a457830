"""A download that breaks off goes on where it stopped, and a server that answers something else is not believed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from pipeline.records import Reason, Rejected
from tests.broken_ranges import OLD, WRONG_ANSWERS
from tests.downloads import QUICK, SHA256, Naps, client_of, rejection_of
from tests.loopback import BODY, Loopback
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web import http
from transforms.fetching.web.http import HttpClient
from transforms.fetching.web.partial_download import PartialDownload


def asked(server: Loopback) -> list[str | None]:
    return [headers.get("Range") for headers in server.headers]


@pytest.mark.parametrize(("mode", "if_range"), [("", '"1"'), ("dated", OLD)])
def test_after_a_break_only_the_rest_is_asked_for(loopback, tmp_path, mode, if_range):
    naps = Naps()
    with client_of(QUICK, naps) as client:
        got = client.download(loopback.url(f"/ranges?cut=4000&mode={mode}"), tmp_path)
    assert got.path.read_bytes() == BODY
    assert (got.provenance.sha256, got.provenance.n_bytes, got.provenance.http_status) == (SHA256, len(BODY), 200)
    assert asked(loopback) == [None, "bytes=4000-", "bytes=8000-"]
    assert [headers.get("If-Range") for headers in loopback.headers] == [None, if_range, if_range]
    assert (got.provenance.evidence.attempts, len(naps.seconds)) == (3, 2)


def test_a_body_cut_many_times_arrives_once(loopback, tmp_path):
    """Twenty breaks are more than the four attempts, which count only those that bring nothing."""
    naps = Naps()
    with client_of(QUICK, naps) as client:
        got = client.download(loopback.url("/ranges?cut=500"), tmp_path)
    assert (got.path.read_bytes(), len(loopback.headers)) == (BODY, -(-len(BODY) // 500))
    assert max(naps.seconds) == QUICK.backoff * 1.5  # no wait doubles while the file grows


@pytest.mark.slow
def test_a_body_of_200_megabytes_cut_five_times_arrives_once(tmp_path):
    body = hashlib.shake_256(b"noise").digest(1 << 20) * 200
    with Loopback(body=body) as server, client_of(replace(QUICK, max_bytes=1 << 30, total_timeout=300)) as client:
        got = client.download(server.url(f"/ranges?cut={len(body) // 6 + 1}"), tmp_path)
    assert got.provenance.sha256 == hashlib.sha256(got.path.read_bytes()).hexdigest() == hashlib.sha256(body).hexdigest()
    assert len(server.headers) == 6


def test_the_parts_of_a_server_that_sends_short_ranges_are_joined(loopback, tmp_path):
    with client_of(QUICK) as client:
        assert client.download(loopback.url("/ranges?cut=3000&mode=short-ranges"), tmp_path).path.read_bytes() == BODY
    assert asked(loopback) == [None, "bytes=3000-", "bytes=6000-", "bytes=9000-"]


@pytest.mark.parametrize("mode", ["weak", "just-now", "bare", "no-ranges"])
def test_what_may_have_changed_in_between_is_asked_for_anew(loopback, tmp_path, mode):
    rejected = rejection_of(loopback.url(f"/ranges?cut=4000&mode={mode}"), tmp_path)
    assert (rejected.reason, asked(loopback)) == (Reason.CONNECTION, [None] * 4)


def test_of_a_file_that_changed_nothing_is_kept(loopback, tmp_path):
    """Its version is another one at the second request, at the third too, and then stays."""
    with client_of(QUICK) as client:
        got = client.download(loopback.url("/ranges?cut=4000&mode=changes"), tmp_path)
    assert (got.path.read_bytes(), got.provenance.sha256) == (BODY, SHA256)
    assert [headers.get("If-Range") for headers in loopback.headers] == [None, '"1"', '"2"', '"3"', '"3"']


def test_a_server_that_ignores_ranges_is_tried_as_often_as_any_other(loopback, tmp_path):
    rejected = rejection_of(loopback.url("/ranges?cut=4000&mode=ignores"), tmp_path)
    assert rejected.reason == Reason.CONNECTION
    assert asked(loopback) == [None, *["bytes=4000-"] * 4]  # the first one brought something


@pytest.mark.parametrize("mode", WRONG_ANSWERS)
def test_a_wrong_range_is_not_used_and_all_is_asked_for_anew(loopback, tmp_path, mode):
    with client_of(QUICK) as client, pytest.raises(Rejected) as caught:
        client.download(loopback.url(f"/ranges?cut=4000&mode={mode}"), tmp_path)
    assert asked(loopback)[:3] == [None, "bytes=4000-", None]
    assert caught.value.reason in {Reason.SERVER_ERROR, Reason.CONNECTION}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "detail"),
    [
        ("refuses", "HTTP 416: the file changed while it was fetched"),
        ("no-content-range", "HTTP 206 with Content-Range ''"),
        ("other-total", "asked for the bytes from 4000 of 10240, answered with Content-Range 'bytes 4000-10240/10241'"),
        ("other-length", "Content-Range 'bytes 4000-10239/10240' with a Content-Length of 6239"),
        ("other-etag", "the rest of another version: ETag '\"other\"'"),
    ],
)
def test_a_wrong_range_is_named(loopback, tmp_path, mode, detail):
    rejected = rejection_of(loopback.url(f"/ranges?cut=4000&mode={mode}"), tmp_path, replace(QUICK, attempts=1))
    assert (rejected.reason, rejected.detail) == (Reason.SERVER_ERROR, detail)


def test_a_part_that_was_not_asked_for_is_refused(loopback, tmp_path):
    rejected = rejection_of(loopback.url("/unasked-range"), tmp_path)
    assert (rejected.reason, rejected.detail, len(loopback.headers)) == (Reason.UNAVAILABLE, "HTTP 206", 1)


def test_the_attempts_that_bring_something_are_bounded_too(loopback, tmp_path, monkeypatch):
    monkeypatch.setattr(http, "MAX_REQUESTS", 7)
    assert rejection_of(loopback.url("/ranges?cut=10"), tmp_path).reason == Reason.CONNECTION
    assert asked(loopback)[-1] == "bytes=60-"
    assert len(loopback.headers) == 7


def test_the_parts_together_may_not_be_larger_than_allowed(loopback, tmp_path):
    limits = replace(QUICK, max_bytes=len(BODY) - 1)
    assert rejection_of(loopback.url("/ranges?cut=4000"), tmp_path, limits).reason == Reason.TOO_LARGE
    assert len(loopback.headers) == 1


# After the end of the process.


def test_another_process_goes_on_with_what_is_there(loopback, tmp_path):
    url, part, note = loopback.url("/ranges?cut=4000"), tmp_path / "part", tmp_path / "note"
    with client_of(replace(QUICK, attempts=1)) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "MAX_REQUESTS", 1)
        with pytest.raises(Rejected):
            client.complete(PartialDownload(part, 1 << 20, note), url, 30)
    assert part.stat().st_size == 4000
    with client_of(QUICK) as client:
        got = client.complete(PartialDownload(part, 1 << 20, note), url, 30)
    assert (part.read_bytes(), got.provenance.sha256) == (BODY, SHA256)
    assert asked(loopback) == [None, "bytes=4000-", "bytes=8000-"]


@pytest.mark.parametrize(
    "note",
    [
        *("", "[]", "{}", '{"validator": 5, "total": 9}', '{"validator": null, "total": 10240}', "[" * 5000),
        *('{"validator": "\\"1\\"\\r\\nX: y", "total": 10240}', '{"validator": "\\"1\\"", "total": "many"}'),
        '{"validator": "\\"1\\"", "total": 3}',
    ],
)
def test_a_damaged_note_makes_a_download_begin_anew(loopback, tmp_path, note):
    (tmp_path / "part").write_bytes(BODY[:4000])
    (tmp_path / "note").write_text(note)
    partial = PartialDownload(tmp_path / "part", 1 << 20, tmp_path / "note")
    assert (partial.kept, partial.request_headers) == (0, {})
    with client_of(QUICK) as client:
        client.complete(partial, loopback.url("/good"), 30)
    assert (tmp_path / "part").read_bytes() == BODY


# What a host says about the use of a file, and whether it is content with us.


def test_what_the_headers_say_about_the_use_is_recorded(loopback, tmp_path):
    with client_of(QUICK) as client:
        evidence = client.download(loopback.url("/reserved"), tmp_path).provenance.evidence
    assert evidence.fetched_at.endswith("Z") and len(evidence.fetched_at) == 20
    assert (evidence.attempts, evidence.x_robots_tag, evidence.tdm_reservation) == (1, "nosnippet", "1")
    assert (evidence.tdm_policy, evidence.content_usage) == ("https://h.example/policy.json", "train-ai=n")
    assert (evidence.etag, evidence.last_modified) == ('"1"', "Sun, 13 Sep 2020 12:26:40 GMT")


def test_what_the_headers_say_is_recorded_of_a_file_that_is_refused_too(loopback, tmp_path):
    assert rejection_of(loopback.url("/noai"), tmp_path).provenance.evidence.x_robots_tag == "all, NoAI"
    evidence = rejection_of(loopback.url("/long-robots-tag"), tmp_path).provenance.evidence
    assert len(evidence.x_robots_tag) == http.MAX_EVIDENCE


class NotedBudgets(Budgets):
    """Budgets that write down what they are given."""

    def __init__(self) -> None:
        super().__init__(BudgetSettings())
        self.notes: list[tuple] = []

    def refused(self, host: str, after: float | None = None) -> None:
        self.notes.append(("refused", host, after))

    def answered(self, host: str) -> None:
        self.notes.append(("answered", host))


@pytest.mark.parametrize(
    ("path", "notes"),
    [
        ("/busy?after=17", [("refused", "127.0.0.1", 17)]),
        ("/unavailable?after=600", [("refused", "127.0.0.1", 600)]),
        ("/busy-once", [("refused", "127.0.0.1", None), ("answered", "127.0.0.1")]),
        ("/good", [("answered", "127.0.0.1")]),
        ("/status/503", []),
        ("/status/404", [("answered", "127.0.0.1")]),
        ("/status/403", []),
        ("/redirects/1", [("answered", "127.0.0.1"), ("answered", "127.0.0.1")]),
        ("/busy?after=99999999", [("refused", "127.0.0.1", 86_400)]),
    ],
)
def test_the_budgets_learn_whether_a_host_throttles_us(loopback, tmp_path, path, notes):
    budgets = NotedBudgets()
    client = HttpClient(replace(QUICK, attempts=1 if "?" in path else 2), budgets, Naps())
    try:
        client.download(loopback.url(path), tmp_path)
    except Rejected:
        pass
    finally:
        client.manager.clear()
    assert budgets.notes == notes

"""yt-dlp fetches videos over real HTTP: what is about us stays with us, what is about the video is marked on the video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from yt_dlp.extractor.generic import GenericIE
from yt_dlp.extractor.youtube import YoutubeIE
from yt_dlp.utils import ExtractorError

from pipeline.records import LEFT_FOR_LATER, TRANSIENT, Clip, Reason, Recording, Rejected
from tests.downloads import QUICK, Naps
from tests.media_host import Handler, MediaHost
from tests.test_audio_sections import frames_of, sound
from transforms.audio.excerpt import Excerpt
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.web.http import HttpSettings
from transforms.fetching.youtube import youtube_video
from transforms.fetching.youtube.youtube import YouTubeSettings
from transforms.fetching.youtube.youtube_handler import YouTubeHandler

OPEN = replace(QUICK, max_bytes=1 << 28)
START, END = 20.005, 24.0
FILES = ("opus.webm", "aac.m4a", "opus.ogg", "vorbis.ogg")


class CountingBudgets(Budgets):
    """Budgets that write down what they hear."""

    def __init__(self) -> None:
        super().__init__(BudgetSettings())
        self.heard: list[str] = []

    def refused(self, host: str, after: float | None = None) -> None:
        self.heard.append(f"refused {host}")

    def answered(self, host: str) -> None:
        self.heard.append(f"answered {host}")


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr(youtube_video, "SHORT", 1 << 12)
    with MediaHost({f"/{name}": sound(name) for name in (*FILES, "mp3.mp3")}) as server:
        yield server


def handler_of(budgets: Budgets | None = None, http: HttpSettings = OPEN, base: Path = Path(), **settings) -> YouTubeHandler:
    return YouTubeHandler(YouTubeSettings(hosts=("127.0.0.1",), **settings), http, budgets or CountingBudgets(), base, Naps())


def clip(url: str, start: float | None = None, end: float | None = None) -> Clip:
    return Clip("audioset", "audioset", "train", "a", url, start, end)


def fetched(url: str, work: Path, start: float | None = None, end: float | None = None, **settings) -> Recording:
    work.mkdir(exist_ok=True)
    return handler_of(**settings).fetch(clip(url, start, end), work)


def rejection_of(handler: YouTubeHandler, url: str, work: Path) -> Rejected:
    with pytest.raises(Rejected) as caught:
        handler.fetch(clip(url, START, END), work)
    assert not list(work.iterdir())
    assert 0 < len(caught.value.detail) <= 300
    assert caught.value.provenance is not None and caught.value.provenance.final_url == url
    return caught.value


def failing_from(number: int, status: int) -> Callable[[Handler, int], bool]:
    def fault(handler: Handler, n: int) -> bool:
        if n >= number:
            handler.answer(status, b"no")
        return n >= number

    return fault


# What is fetched.


@pytest.mark.parametrize("name", FILES)
def test_a_section_sounds_as_that_stretch_of_the_original(host, tmp_path, name):
    full = fetched(host.url(f"/{name}"), tmp_path / "full")
    assert (full.path.read_bytes(), full.offset) == (sound(name), 0.0)
    section = fetched(host.url(f"/{name}"), tmp_path / "section", START, END)
    assert START - 11 < section.offset < START
    assert section.path.stat().st_size < 0.7 * len(sound(name))
    expected = frames_of(full.path, Excerpt(START, END))
    assert abs(len(expected) - 48_000 * (END - START)) <= 1
    assert (frames_of(section.path, Excerpt(START, END, offset=section.offset)) == expected).all()


def test_a_recording_whose_section_cannot_be_proven_is_fetched_in_full(host, tmp_path):
    got = fetched(host.url("/mp3.mp3"), tmp_path, START, END)
    assert (got.path.read_bytes(), got.offset) == (sound("mp3.mp3"), 0.0)


@pytest.mark.parametrize(("start", "end"), [(0.0, 30.0), (31.0, 40.0), (20.0, None)])
def test_most_of_a_recording_its_end_and_excerpts_without_an_end_are_fetched_in_full(host, tmp_path, start, end):
    assert fetched(host.url("/opus.webm"), tmp_path, start, end).path.read_bytes() == sound("opus.webm")


def test_a_short_recording_is_fetched_in_full(host, tmp_path, monkeypatch):
    monkeypatch.setattr(youtube_video, "SHORT", len(sound("opus.webm")))
    assert fetched(host.url("/opus.webm"), tmp_path, START, END).offset == 0.0


def test_a_server_without_ranges_sends_all(host, tmp_path):
    host.has_ranges = False
    assert fetched(host.url("/opus.webm"), tmp_path, START, END).path.read_bytes() == sound("opus.webm")


def test_the_books_get_no_hash_which_would_depend_on_the_section(host, tmp_path):
    got = fetched(host.url("/opus.webm"), tmp_path, START, END).provenance
    assert (got.http_status, got.variant, got.sha256, got.n_bytes) == (200, "webm", None, None)
    assert got.final_url == host.url("/opus.webm")
    assert got.evidence is not None


def test_nothing_is_written_beside_the_recording_and_nothing_on_the_screen(host, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "yt-dlp" / "plugins" / "evil" / "yt_dlp_plugins" / "extractor").mkdir(parents=True)
    (tmp_path / "home" / "yt-dlp" / "plugins" / "evil" / "yt_dlp_plugins" / "extractor" / "evil.py").write_text("raise SystemExit")
    (tmp_path / "home" / "yt-dlp" / "config").write_text("--exec 'touch owned'\n")
    before = sorted((tmp_path / "home").rglob("*"))
    got = fetched(host.url("/opus.webm"), tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == [got.path]
    assert sorted((tmp_path / "home").rglob("*")) == before
    assert capfd.readouterr() == ("", "")


# Budgets and secrets.


def test_a_video_is_one_request_of_the_budget_of_its_host(host, tmp_path):
    budgets = CountingBudgets()
    handler_of(budgets).fetch(clip(host.url("/opus.webm"), START, END), tmp_path)
    assert budgets.heard == ["answered 127.0.0.1"]


def test_the_handler_sleeps_before_each_video(host, tmp_path):
    handler = handler_of(sleep=2.5)
    handler.fetch(clip(host.url("/opus.webm")), tmp_path)
    assert isinstance(handler.sleep, Naps)
    assert [seconds for seconds in handler.sleep.seconds if seconds] == [2.5]


def test_cookies_are_sent_to_their_host_and_the_file_is_not_changed(host, tmp_path):
    lines = (
        "# Netscape HTTP Cookie File",
        "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\thush",
        "example.org\tFALSE\t/\tFALSE\t0\tother\tsecret",
    )
    (tmp_path / "cookies.txt").write_text("\n".join(lines) + "\n")
    got = fetched(host.url("/opus.webm"), tmp_path / "work", base=tmp_path, cookies="cookies.txt")
    assert {headers.get("Cookie") for headers in host.headers} == {"session=hush"}
    assert (tmp_path / "cookies.txt").read_text() == "\n".join(lines) + "\n"
    assert "hush" not in repr(got.provenance)


def test_a_file_of_cookies_that_is_missing_ends_the_build_and_is_marked_on_no_video(host, tmp_path):
    with pytest.raises(OSError, match=r"no-cookies\.txt"):
        fetched(host.url("/opus.webm"), tmp_path, cookies="no-cookies.txt")


# What fails.


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("status", [429, 403])
def test_a_host_that_refuses_us_is_stopped_and_the_video_is_left_for_later(host, tmp_path, number, status):
    budgets = CountingBudgets()
    host.fault = failing_from(number, status)
    rejected = rejection_of(handler_of(budgets), host.url("/opus.webm"), tmp_path)
    assert rejected.reason == Reason.THROTTLED
    assert str(status) in rejected.detail
    assert budgets.heard == ["refused 127.0.0.1"]


@pytest.mark.parametrize(("status", "reason"), [(404, Reason.NOT_FOUND), (410, Reason.NOT_FOUND), (500, Reason.SERVER_ERROR)])
def test_other_statuses_are_of_the_video_or_transient(host, tmp_path, status, reason):
    budgets = CountingBudgets()
    host.fault = failing_from(1, status)
    assert rejection_of(handler_of(budgets), host.url("/opus.webm"), tmp_path).reason == reason
    assert budgets.heard == ([] if reason in TRANSIENT else ["answered 127.0.0.1"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Sign in to confirm you’re not a bot. Use --cookies for the authentication", Reason.BOT_CHECK),
        ("Video unavailable. This content isn't available, try again later", Reason.THROTTLED),
        ("Private video. Sign in if you've been granted access to this video", Reason.FORBIDDEN),
        ("Video unavailable", Reason.UNAVAILABLE),
    ],
)
def test_what_an_extractor_reports_reaches_the_books_and_the_budgets(host, tmp_path, monkeypatch, text, reason):
    def fail(self: GenericIE, url: str) -> None:
        self.raise_no_formats(text, expected=True, video_id="abc")

    monkeypatch.setattr(GenericIE, "_real_extract", fail)
    budgets = CountingBudgets()
    assert rejection_of(handler_of(budgets), host.url("/opus.webm"), tmp_path).reason == reason
    assert budgets.heard == ["refused 127.0.0.1" if reason in LEFT_FOR_LATER else "answered 127.0.0.1"]


def test_media_that_break_off_are_continued_and_else_transient(host, tmp_path):
    host.cut = 40_000
    assert fetched(host.url("/opus.webm"), tmp_path / "a").path.read_bytes() == sound("opus.webm")
    host.has_ranges = False
    (tmp_path / "b").mkdir()
    rejected = rejection_of(handler_of(), host.url("/opus.webm"), tmp_path / "b")
    assert (rejected.reason, rejected.reason in TRANSIENT) == (Reason.CONNECTION, True)


def test_no_server_is_transient(tmp_path):
    with MediaHost({}) as gone:
        url = gone.url("/a.webm")
    assert rejection_of(handler_of(), url, tmp_path).reason == Reason.CONNECTION


def test_a_recording_beyond_the_limit_is_too_large(host, tmp_path):
    handler = handler_of(http=replace(OPEN, max_bytes=10_000))
    assert rejection_of(handler, host.url("/opus.webm"), tmp_path).reason == Reason.TOO_LARGE


def test_a_page_without_a_video_and_a_list_are_no_recordings(host, tmp_path):
    host.files["/page.html"] = b"<html><body>" + b"no video here " * 100 + b"</body></html>"
    videos = "".join(f'<video><source src="{host.url(f"/{name}")}" type="audio/webm"></video>' for name in FILES)
    host.files["/list.html"] = f"<html><body>{videos}</body></html>".encode()
    for page in ("/page.html", "/list.html"):
        rejected = rejection_of(handler_of(), host.url(page), tmp_path)
        assert rejected.reason in {Reason.NOT_FOUND, Reason.UNAVAILABLE}, rejected


@pytest.mark.parametrize("form", ["www.youtube.com/watch?v={}&list=PL{}&index=2", "youtu.be/{}?list=PL{}"])
def test_an_address_of_a_video_in_a_list_is_that_of_the_video(host, tmp_path, monkeypatch, form):
    info = {"id": "a", "title": "a", "url": host.url("/opus.webm"), "ext": "webm"}
    monkeypatch.setattr(YoutubeIE, "_real_extract", lambda self, url: dict(info))
    handler = YouTubeHandler(YouTubeSettings(), OPEN, CountingBudgets(), Path(), Naps())
    got = handler.fetch(clip("https://" + form.format("x" * 11, "y" * 16)), tmp_path)
    assert got.path.read_bytes() == sound("opus.webm")


def test_pages_that_lead_to_each_other_without_end_are_left(host, tmp_path):
    def redirect(handler: Handler, n: int) -> bool:
        handler.answer(302, b"", Location=f"/{n}.html") if n % 2 else handler.answer(200, b"<html>")
        return True

    host.fault = redirect
    assert rejection_of(handler_of(), host.url("/0.html"), tmp_path).reason == Reason.LIMIT_EXCEEDED
    assert host.n_requests.total() < 50


def test_a_live_video_is_unavailable(host, tmp_path, monkeypatch):
    live = {"id": "a", "title": "a", "url": host.url("/opus.webm"), "is_live": True, "ext": "webm"}
    monkeypatch.setattr(GenericIE, "_real_extract", lambda self, url: dict(live))
    rejected = rejection_of(handler_of(), host.url("/opus.webm"), tmp_path)
    assert (rejected.reason, "live" in rejected.detail) == (Reason.UNAVAILABLE, True)


def test_a_full_disk_ends_the_build_and_is_marked_on_no_video(host, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    (tmp_path / "audio").symlink_to("/dev/full")
    budgets = CountingBudgets()
    with pytest.raises(OSError, match="No space left"):
        handler_of(budgets).fetch(clip(host.url("/opus.webm")), tmp_path)
    assert budgets.heard == []


def test_a_fault_of_yt_dlp_itself_is_transient(host, tmp_path, monkeypatch):
    def fail(self: GenericIE, url: str) -> None:
        raise ExtractorError("Unable to extract nsig function")

    monkeypatch.setattr(GenericIE, "_real_extract", fail)
    assert rejection_of(handler_of(), host.url("/opus.webm"), tmp_path).reason == Reason.SERVER_ERROR

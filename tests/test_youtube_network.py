"""yt-dlp connects to public addresses over HTTP alone, whatever pages and redirects say, and unpacks no bombs."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import RequestError

from pipeline.records import Reason, Rejected
from tests.downloads import PUBLIC, Names
from tests.loopback import Loopback
from tests.media_host import Handler, MediaHost
from transforms.fetching.web.safe_sockets import DOWNLOAD_LIMITS, DownloadLimits
from transforms.fetching.youtube.youtube import YouTubeSettings
from transforms.fetching.youtube.youtube_errors import rejection_of
from transforms.fetching.youtube.youtube_network import SafeYoutubeDL
from transforms.fetching.youtube.youtube_video import parameters_of


@contextmanager
def opener(allow_private: bool = False, proxy: str | None = None, seconds: float = 5.0) -> Iterator[SafeYoutubeDL]:
    before = DOWNLOAD_LIMITS.set(DownloadLimits(time.monotonic() + seconds, 1 << 20, allow_private))
    try:
        with SafeYoutubeDL(parameters_of(YouTubeSettings(proxy=proxy), None, 2.0)) as ydl:
            yield ydl
    finally:
        DOWNLOAD_LIMITS.reset(before)


def refusal_of(url: str, **options) -> Rejected:
    with opener(**options) as ydl, pytest.raises((RequestError, Rejected)) as caught:
        ydl.urlopen(Request(url)).read()
    return rejection_of(caught.value)


def redirecting(to: str) -> Callable[[Handler, int], bool]:
    def fault(handler: Handler, n: int) -> bool:
        handler.answer(302, b"", Location=to)
        return True

    return fault


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "2130706433"])
def test_no_private_address_is_connected_to(host, monkeypatch):
    names = Names(monkeypatch)
    assert refusal_of(f"http://{host}:9/a").reason == Reason.UNSAFE_ADDRESS
    assert refusal_of(f"https://{host}:9/a").reason == Reason.UNSAFE_ADDRESS
    assert names.connected == []


def test_a_name_of_a_private_address_is_refused_and_looked_up_once(monkeypatch):
    names = Names(monkeypatch, inside=[["10.0.0.7"]], mixed=[[PUBLIC, "10.0.0.7"]], turncoat=[[PUBLIC], ["127.0.0.1"]])
    for host in ("inside", "mixed"):
        assert refusal_of(f"http://{host}/a").reason == Reason.UNSAFE_ADDRESS
    assert names.connected == []
    assert refusal_of("http://turncoat/a").reason == Reason.CONNECTION
    assert (names.asked, names.connected) == (["inside", "mixed", "turncoat"], [PUBLIC])


def test_a_redirect_from_a_public_name_inwards_is_refused(monkeypatch):
    with MediaHost({"/inside": b"secret"}) as host:
        names = Names(monkeypatch, outside=[["127.0.0.1"]], inside=[["10.0.0.7"]])
        for to in ("http://inside/x", "http://10.0.0.7/x", "http://169.254.169.254/latest/meta-data"):
            host.fault = redirecting(to)
            names.connected.clear()
            with opener() as ydl:
                monkeypatch.setattr("transforms.fetching.youtube.youtube_network.check_public", allowing_loopback)
                with pytest.raises(RequestError) as caught:
                    ydl.urlopen(Request(host.url("/", host="outside")))
            assert rejection_of(caught.value).reason == Reason.UNSAFE_ADDRESS
            assert names.connected == ["127.0.0.1"]


def allowing_loopback(host: str, addresses: list[str]) -> None:
    """Check addresses as always, but let a test's own server be a public one."""
    from transforms.fetching.web.safe_sockets import check_public

    check_public(host, [PUBLIC if address == "127.0.0.1" else address for address in addresses])


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:text/plain,hello", "gopher://127.0.0.1/", "rtmp://127.0.0.1/"]
)
def test_other_schemes_are_neither_opened_nor_redirected_to(to, monkeypatch):
    assert refusal_of(to, allow_private=True).reason == Reason.UNSAFE_ADDRESS
    with MediaHost({}) as host:
        host.fault = redirecting(to)
        assert refusal_of(host.url("/"), allow_private=True).reason != Reason.BOT_CHECK
        assert host.n_requests.total() == 1


@pytest.mark.parametrize("pack", [lambda data: gzip.compress(data), lambda data: zlib.compress(data)])
def test_a_page_that_unpacks_to_more_than_is_allowed_is_refused(pack, monkeypatch):
    monkeypatch.setattr("transforms.fetching.youtube.youtube_network.MAX_PAGE", 100_000)
    coding = "gzip" if pack(b"")[:2] == b"\x1f\x8b" else "deflate"
    with MediaHost({}) as host:
        for size, reason in ((100_000, None), (100_001, Reason.TOO_LARGE)):
            page = pack(bytes(size))

            def fault(handler: Handler, n: int, page: bytes = page) -> bool:
                handler.answer(200, page, Content_Encoding=coding)
                return True

            host.fault = fault
            if reason is None:
                with opener(allow_private=True) as ydl:
                    assert len(ydl.urlopen(Request(host.url("/"))).read()) == size
            else:
                assert refusal_of(host.url("/"), allow_private=True).reason == reason


def test_a_coding_that_was_not_asked_for_is_refused():
    def fault(handler: Handler, n: int) -> bool:
        assert "br" not in handler.headers["Accept-Encoding"]
        handler.answer(200, b"x", Content_Encoding="br")
        return True

    with MediaHost({}) as host:
        host.fault = fault
        rejected = refusal_of(host.url("/"), allow_private=True)
    assert (rejected.reason, rejected.detail) == (Reason.UNAVAILABLE, "sent with Content-Encoding 'br', which was not asked for")


@pytest.mark.parametrize(("path", "reason"), [("/drip", Reason.TIMEOUT), ("/endless", Reason.TOO_LARGE), ("/drip-head", Reason.TIMEOUT)])
def test_slow_and_endless_answers_end(path, reason):
    with Loopback() as server:
        seconds = 0.3 if reason == Reason.TIMEOUT else 20.0
        assert refusal_of(server.url(path), allow_private=True, seconds=seconds).reason == reason


def test_a_proxy_of_the_user_may_be_inside_and_takes_all_requests_but_none_for_this_machine(monkeypatch):
    seen = []

    def fault(handler: Handler, n: int) -> bool:
        seen.append(handler.path)
        handler.answer(200, b"by proxy")
        return True

    with MediaHost({}) as proxy:
        proxy.fault = fault
        with opener(proxy=proxy.url("")) as ydl:
            assert ydl.urlopen(Request("http://video.example/a")).read() == b"by proxy"
        for url in ("http://127.0.0.1/a", "http://localhost/a", "http://10.0.0.1/a", "http://[::1]/a"):
            assert refusal_of(url, proxy=proxy.url("")).reason == Reason.UNSAFE_ADDRESS
    assert seen == ["http://video.example/a"]


def test_a_proxy_in_the_environment_of_other_programs_is_not_used(monkeypatch):
    with MediaHost({"/a": b"direct"}) as host, MediaHost({}) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        monkeypatch.delenv("no_proxy", raising=False)
        with opener(allow_private=True) as ydl:
            assert ydl.urlopen(Request(host.url("/a"))).read() == b"direct"
        assert proxy.n_requests.total() == 0

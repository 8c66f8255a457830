"""Let yt-dlp connect only to allowed addresses, over HTTP alone, and receive no more than the limits of a download."""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import socket
import urllib.request
import zlib
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlsplit

from yt_dlp import YoutubeDL
from yt_dlp.networking import RequestDirector, Response
from yt_dlp.networking._urllib import HTTPHandler, ProxyHandler, RedirectHandler, UrllibRH
from yt_dlp.networking.exceptions import HTTPError, RequestError

from pipeline.records import Reason, Rejected
from transforms.fetching.web.safe_sockets import DOWNLOAD_LIMITS, MAX_ADDRESSES_TRIED, LimitedReader, check_public

MAX_PAGE = 64 << 20  # bytes of a compressed page after it is unpacked
CODINGS = frozenset({"", "identity", "gzip", "deflate"})
PIECE = 1 << 16  # bytes
MAX_PAGES = 8  # that lead from one to the next before the video: with a list, through a short address, to another host


class SafeYoutubeDL(YoutubeDL):
    """yt-dlp with one way to the network: no other libraries, no programs. An object is for one video."""

    _n_pages = 0

    def extract_info(self, *args: Any, **options: Any) -> Any:
        """Return what a page says of its video; yt-dlp calls this for each page that another one leads to, without a limit of its own.

        Raises:
            RequestError: over `Rejected`, after too many pages.
        """
        self._n_pages += 1
        if self._n_pages > MAX_PAGES:
            rejected = Rejected(Reason.LIMIT_EXCEEDED, f"more than {MAX_PAGES} pages that lead to another page")
            raise RequestError(cause=rejected) from rejected
        return super().extract_info(*args, **options)

    def build_request_director(self, handlers: Any, preferences: Any = None) -> RequestDirector:
        """Return the director of requests, with the safe handler alone."""
        return super().build_request_director([SafeRH])


class SafeRH(UrllibRH):
    """Sends the requests of yt-dlp. Its name ends as yt-dlp wants it."""

    _SUPPORTED_URL_SCHEMES = ("http", "https")

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._responses: list[Response] = []

    def close(self) -> None:
        """Close all answers: extractors leave those open that they did not read to the end."""
        for response in self._responses:
            response.close()
        super().close()

    def _create_instance(
        self, proxies: dict[str, str], cookiejar: CookieJar, legacy_ssl_support: bool | None = None
    ) -> urllib.request.OpenerDirector:
        opener = urllib.request.OpenerDirector()
        for handler in (
            ProxyHandler(proxies),
            _Handler(_proxy_of(proxies), self._make_sslcontext(legacy_ssl_support=legacy_ssl_support)),
            urllib.request.HTTPCookieProcessor(cookiejar),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            RedirectHandler(),
        ):
            opener.add_handler(handler)
        opener.addheaders = []
        return opener

    def _prepare_headers(self, request: Any, headers: Any) -> None:
        headers.setdefault("Accept-Encoding", "gzip, deflate")

    def _send(self, request: Any) -> Any:
        try:
            self._responses.append(super()._send(request))
        except HTTPError as error:
            self._responses.append(error.response)
            raise
        except Rejected as rejected:
            raise RequestError(cause=rejected) from rejected
        return self._responses[-1]


def _proxy_of(proxies: dict[str, str]) -> str | None:
    """Return the host of the proxy that the user chose; yt-dlp is given one for all addresses, or none."""
    proxy = proxies.get("all") or "__noproxy__"
    return None if proxy == "__noproxy__" else urlsplit(proxy).hostname


class _Handler(HTTPHandler):
    def __init__(self, proxy: str | None, context: Any):
        super().__init__(context)
        self._proxy = proxy

    def _make_conn_class(self, base: Any, req: Any) -> Any:
        base = _TlsConnection if base is http.client.HTTPSConnection else _Connection
        if self._proxy is not None:
            _check_literal(urlsplit(req.full_url).hostname or "")  # names are looked up by the proxy
            base = type(base.__name__, (base,), {"proxy": self._proxy})
        return HTTPHandler._make_conn_class(base, req)

    @staticmethod
    def gz(data: bytes) -> bytes:
        return _unpacked(data, zlib.MAX_WBITS | 16)

    @staticmethod
    def deflate(data: bytes) -> bytes:
        try:
            return _unpacked(data, -zlib.MAX_WBITS)
        except zlib.error:
            return _unpacked(data, zlib.MAX_WBITS)

    def http_response(self, req: Any, resp: Any) -> Any:
        try:
            for coding in resp.headers.get("Content-Encoding", "").lower().split(","):
                if coding.strip() not in CODINGS:
                    raise Rejected(Reason.UNAVAILABLE, f"sent with Content-Encoding {coding.strip()[:40]!r}, which was not asked for")
            return super().http_response(req, resp)
        except (Rejected, zlib.error):
            resp.close()
            raise

    https_response = http_response


def _unpacked(data: bytes, window_bits: int) -> bytes:
    unpacked = zlib.decompressobj(window_bits).decompress(data, MAX_PAGE + 1)
    if len(unpacked) > MAX_PAGE:
        raise Rejected(Reason.TOO_LARGE, f"a page of more than {MAX_PAGE} bytes")
    return unpacked


def _check_literal(host: str) -> None:
    """Check a host that is an IP address, or the name of this machine.

    Raises:
        Rejected: `unsafe_address`.
    """
    if DOWNLOAD_LIMITS.get().allow_private:
        return
    if host == "localhost" or host.endswith(".localhost"):
        raise Rejected(Reason.UNSAFE_ADDRESS, f"{host[:80]} is this machine")
    with contextlib.suppress(ValueError):  # a name
        check_public(host, [str(ipaddress.ip_address(host))])


class _Reader(LimitedReader):
    """Reads an answer; pages are read without a number of bytes, up to the limit."""

    def readall(self) -> bytes:
        """Return all that comes."""
        page = bytearray()
        while part := self.read(PIECE):
            page += part
        return bytes(page)


class _Response(http.client.HTTPResponse):
    """An answer that is read until the deadline, and up to the number of bytes that the limits allow."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any):
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(_Reader(self.fp.detach(), sock, DOWNLOAD_LIMITS.get()))


class _Guarded:
    """What is common to both kinds of connections: their addresses are looked up once, checked, and then connected to."""

    response_class: Any = _Response
    proxy: str | None = None

    @property
    def _create_connection(self) -> Any:
        return self._connect

    @_create_connection.setter
    def _create_connection(self, given: Any) -> None:
        pass  # http.client and yt-dlp set their own

    def _connect(self, address: tuple[str, int], timeout: Any = None, source_address: Any = None, **options: Any) -> socket.socket:
        host, port = address
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        if not DOWNLOAD_LIMITS.get().allow_private and host != self.proxy:
            check_public(host, addresses)
        fault = OSError(f"{host} has no address")
        for ip in addresses[:MAX_ADDRESSES_TRIED]:
            try:
                return socket.create_connection((ip, port), timeout, source_address)
            except OSError as error:
                fault = error
        raise fault


class _Connection(_Guarded, http.client.HTTPConnection):
    pass


class _TlsConnection(_Guarded, http.client.HTTPSConnection):
    pass

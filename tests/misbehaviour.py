"""How the server in `tests/loopback.py` behaves, by the first part of a path: well, late, endlessly, or against HTTP."""

from __future__ import annotations

import email.utils
import gzip
import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tests.broken_ranges import ranges, unasked_range

if TYPE_CHECKING:
    from tests.loopback import Handler

BLOCK = b"\0" * (1 << 16)


def _status(handler: Handler, n: int) -> None:
    """`/status/404`: that status, always."""
    handler.reply(int(urlsplit(handler.path).path.split("/")[2]), b"<html>no</html>")


def _busy(handler: Handler, n: int) -> None:
    """`/busy?after=60`: 429 with that Retry-After, `?in=5`: with the date five seconds from now; `/busy-once`: then good."""
    if n > 1 and handler.path.startswith("/busy-once"):
        handler.good()
    elif (seconds := handler.query("in")) is not None:
        handler.reply(429, Retry_After=email.utils.formatdate(time.time() + float(seconds), usegmt=True))
    elif (after := handler.query("after")) is not None:
        handler.reply(429, Retry_After=after)
    else:
        handler.reply(429)


def _unavailable(handler: Handler, n: int) -> None:
    """`/unavailable?after=60`: 503 with that Retry-After."""
    handler.reply(503, Retry_After=handler.query("after") or "")


def _after_one(fault: Callable[[Handler], None]) -> Callable[[Handler, int], None]:
    return lambda handler, n: fault(handler) if n == 1 else handler.good()


def _always(fault: Callable[[Handler], None]) -> Callable[[Handler, int], None]:
    return lambda handler, n: fault(handler)


def _unknown_length(handler: Handler) -> None:
    handler.head(200)
    handler.wfile.write(handler.server.owner.body)


def _chunked(handler: Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    body = handler.server.owner.body
    for at in range(0, len(body), 1000):
        part = body[at : at + 1000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    handler.wfile.write(b"0\r\n\r\n")


def _raw_chunk(line: bytes) -> Callable[[Handler, int], None]:
    def send(handler: Handler, n: int) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        handler.close_connection = True
        handler.wfile.write(line)

    return send


def _truncated(handler: Handler) -> None:
    body = handler.server.owner.body
    handler.head(200, Content_Length=str(len(body)))
    handler.wfile.write(body[: len(body) // 2])
    handler.hang_up()


def _truncated_chunks(handler: Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    handler.wfile.write(b"1000\r\nonly this")
    handler.hang_up()


def _drip(handler: Handler) -> None:
    handler.head(200, Content_Length="1000000")
    handler.pour(b"a", 0.05)


def _drip_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    handler.pour(b"a", 0.05)


def _stall(handler: Handler) -> None:
    handler.head(200, Content_Length="1000000")
    handler.wfile.write(b"begin")
    handler.server.owner.closing.wait()


def _stall_head(handler: Handler) -> None:
    handler.server.owner.closing.wait()


def _endless(handler: Handler) -> None:
    handler.head(200)
    handler.pour(BLOCK)


def _endless_chunks(handler: Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    handler.pour(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK))


def _endless_chunk_line(handler: Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    handler.pour(b"1" * len(BLOCK))


def _endless_trailers(handler: Handler) -> None:
    handler.head(200, Transfer_Encoding="chunked")
    handler.wfile.write(b"4\r\nabcd\r\n0\r\n")
    handler.pour(b"X: %s\r\n" % (b"a" * 1000))


def _endless_continue(handler: Handler) -> None:
    handler.pour(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def _endless_redirect(handler: Handler) -> None:
    handler.head(302, Location="/good")
    handler.pour(BLOCK)


def _to(handler: Handler) -> None:
    """`/to?ADDRESS`: a redirect to it, as it stands there with `%0A` and the like read."""
    handler.reply(302, Location=unquote(urlsplit(handler.path).query, encoding="latin-1"))


def _redirects(handler: Handler, n: int) -> None:
    """`/redirects/3`: three redirects, then good; each of another kind, the addresses relative."""
    left = int(urlsplit(handler.path).path.split("/")[2])
    if left == 0:
        handler.good()
    else:
        handler.reply((301, 302, 303, 307, 308)[left % 5], b"moved", Location=f"../redirects/{left - 1}?token=secret{left}")


def _header(name: str, value: str, status: int = 200) -> Callable[[Handler, int], None]:
    return lambda handler, n: handler.reply(status, handler.server.owner.body, **{name: value})


def _lengths(*values: str) -> Callable[[Handler, int], None]:
    def send(handler: Handler, n: int) -> None:
        handler.send_response(200)
        for value in values:
            handler.send_header("Content-Length", value)
        handler.end_headers()
        handler.close_connection = True
        handler.wfile.write(handler.server.owner.body)

    return send


def _reserved(handler: Handler) -> None:
    """Say in every known way what the file may be used for."""
    words = {
        "X_Robots_Tag": "nosnippet",
        "TDM_Reservation": "1",
        "TDM_Policy": "https://h.example/policy.json",
        "Content_Usage": "train-ai=n",
    }
    handler.reply(200, handler.server.owner.body, ETag='"1"', Last_Modified="Sun, 13 Sep 2020 12:26:40 GMT", **words)


def _many_headers(handler: Handler) -> None:
    handler.reply(200, b"body", **{f"X-{number}": "a" * 100 for number in range(1000)})


def _endless_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        if handler.server.owner.closing.is_set():
            break
        handler.wfile.write(b"X-%d: %s\r\n" % (number, b"a" * 1000))


def _signed(handler: Handler, _: int) -> None:
    """Send the file that the rest of the path names, to who knows the token."""
    if handler.query("token") and (handler.query("token") or "").startswith("s3cr3t"):
        handler.reply(200, handler.server.owner.files["/" + handler.path.split("?")[0].split("/", 2)[2]])
    else:
        handler.reply(403, b"who are you?")


BEHAVIOURS: dict[str, Callable[[Handler, int], None]] = {
    "good": _always(lambda handler: handler.good()),
    "unknown-length": _always(_unknown_length),
    "chunked": _always(_chunked),
    "status": _status,
    "signed": _signed,
    "busy": _busy,
    "busy-once": _busy,
    "unavailable": _unavailable,
    "weak-once": _after_one(lambda handler: handler.reply(503, b"try again")),
    "truncated": _always(_truncated),
    "truncated-once": _after_one(_truncated),
    "truncated-chunks": _always(_truncated_chunks),
    "reset": _always(lambda handler: handler.hang_up(with_reset=True)),
    "reset-once": _after_one(lambda handler: handler.hang_up(with_reset=True)),
    "hang-up": _always(lambda handler: handler.hang_up()),
    "drip": _always(_drip),
    "drip-head": _always(_drip_head),
    "stall": _always(_stall),
    "stall-head": _always(_stall_head),
    "endless": _always(_endless),
    "endless-chunks": _always(_endless_chunks),
    "endless-chunk-line": _always(_endless_chunk_line),
    "endless-trailers": _always(_endless_trailers),
    "endless-continue": _always(_endless_continue),
    "endless-headers": _always(_endless_headers),
    "endless-redirect": _always(_endless_redirect),
    "negative-chunk": _raw_chunk(b"-5\r\nabcde\r\n0\r\n\r\n"),
    "unbounded-chunk": _raw_chunk(b"-1\r\nabcde\r\n0\r\n\r\n"),
    "no-chunk": _raw_chunk(b"not a size\r\n"),
    "ranges": ranges,
    "unasked-range": unasked_range,
    "html": _always(lambda handler: handler.reply(200, b"<!DOCTYPE html><title>Sorry</title>", Content_Type="text/html")),
    "redirects": _redirects,
    "loop": _always(lambda handler: handler.reply(302, b"moved", Location=handler.path)),
    "to": _always(_to),
    "nowhere": _always(lambda handler: handler.reply(302, b"moved")),
    "gzip": _always(lambda handler: handler.reply(200, gzip.compress(handler.server.owner.body), Content_Encoding="gzip")),
    "noai": _header("X_Robots_Tag", "all, NoAI"),
    "reserved": _always(_reserved),
    "nosnippet": _header("X_Robots_Tag", "nosnippet"),
    "huge": _lengths("9999999999999"),
    "contradiction": _lengths("5", "7"),
    "odd-length": _lengths("\xb2"),
    "long-length": _lengths("9" * 5000),
    "long-robots-tag": _header("X_Robots_Tag", "noai, " + "a" * 60000),
    "long-header": _header("X_Long", "a" * 70000),
    "many-headers": _always(_many_headers),
    "not-http": _always(lambda handler: handler.wfile.write(b"220 hush FTP server ready\r\n")),
    "endless-status": _always(lambda handler: handler.pour(BLOCK)),
}
"""First part of a path -> (handler, number of the request for this path, from 1) -> the answer."""

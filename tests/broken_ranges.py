"""How the server in `tests/loopback.py` breaks off, and answers a request for the rest: as HTTP wants it, or wrong in every way.

`/ranges?cut=1000` sends 1,000 bytes of an answer and hangs up, until the end is reached. `mode=` names a fault.
"""

from __future__ import annotations

import email.utils
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.loopback import Handler

OLD = email.utils.formatdate(1_600_000_000, usegmt=True)


def ranges(handler: Handler, n: int) -> None:
    """Answer a request, and break off after `cut` bytes."""
    body, mode = handler.server.owner.body, handler.query("mode") or ""
    cut = int(handler.query("cut") or len(body))
    version = _version(mode, n)
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    first = int(asked[1]) if asked else 0
    is_same = handler.headers.get("If-Range") in {None, *version.values()}
    if not asked or not is_same or mode == "ignores":
        _send(handler, 200, body, cut, version)
    elif mode in WRONG_ANSWERS:
        status, content_range, part = WRONG_ANSWERS[mode](first, body)
        headers = {**version, **({"Content_Range": content_range} if content_range else {})}
        headers |= {"ETag": '"other"'} if mode == "other-etag" else {}
        _send(handler, status, part, len(part), headers)
    else:
        part = body[first : first + cut] if mode == "short-ranges" else body[first:]
        _send(handler, 206, part, cut, {**version, "Content_Range": f"bytes {first}-{first + len(part) - 1}/{len(body)}"})


def _version(mode: str, n: int) -> dict[str, str]:
    """Return the headers that name the version of the file."""
    return {
        "weak": {"ETag": 'W/"1"', "Last_Modified": OLD},
        "dated": {"Last_Modified": OLD},
        "just-now": {"Last_Modified": email.utils.formatdate(time.time() + 5, usegmt=True)},
        "bare": {},
        "no-ranges": {"ETag": '"1"', "Accept_Ranges": "none"},
        "changes": {"ETag": f'"{min(n, 3)}"'},
    }.get(mode, {"ETag": '"1"'})


WRONG_ANSWERS = {
    "refuses": lambda first, body: (416, f"bytes */{len(body)}", b"<html>no"),
    "no-content-range": lambda first, body: (206, None, body[first:]),
    "from-the-start": lambda first, body: (206, f"bytes 0-{len(body) - 1}/{len(body)}", body),
    "overlaps": lambda first, body: (206, f"bytes {first - 1}-{len(body) - 1}/{len(body)}", body[first - 1 :]),
    "other-total": lambda first, body: (206, f"bytes {first}-{len(body)}/{len(body) + 1}", body[first:] + b"x"),
    "beyond-the-end": lambda first, body: (206, f"bytes {first}-{len(body)}/{len(body)}", body[first:] + b"x"),
    "other-length": lambda first, body: (206, f"bytes {first}-{len(body) - 1}/{len(body)}", body[first:-1]),
    "backwards": lambda first, body: (206, f"bytes {first}-{first - 1}/{len(body)}", b""),
    "no-total": lambda first, body: (206, f"bytes {first}-{len(body) - 1}/*", body[first:]),
    "not-numbers": lambda first, body: (206, f"bytes {first}-\xb2/{len(body)}", body[first:]),
    "other-unit": lambda first, body: (206, f"lines {first}-{len(body) - 1}/{len(body)}", body[first:]),
    "other-etag": lambda first, body: (206, f"bytes {first}-{len(body) - 1}/{len(body)}", body[first:]),
}
"""Mode -> (first byte asked for, body) -> status, Content-Range and body of an answer that must not be used."""


def _send(handler: Handler, status: int, body: bytes, cut: int, headers: dict[str, str]) -> None:
    handler.head(status, Content_Length=str(len(body)), **headers)
    handler.wfile.write(body[:cut])
    if cut < len(body):
        handler.hang_up()


def unasked_range(handler: Handler, n: int) -> None:
    """Send a part that was not asked for."""
    body = handler.server.owner.body
    handler.reply(206, body[5:], Content_Range=f"bytes 5-{len(body) - 1}/{len(body)}")

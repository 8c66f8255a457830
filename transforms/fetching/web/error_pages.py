"""Tell pages that servers send in place of a recording, with status 200 and any Content-Type, from recordings: by their content."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from pipeline.records import Reason, Rejected
from transforms.fetching.addresses import without_secrets

HEAD = 4096  # bytes that are looked at
MAX_JSON = 1 << 16  # bytes of an answer that is read as JSON
MAX_MESSAGE = 120  # characters of a page's own words in a detail
PAGE = re.compile(rb"(?:<!--.*?-->\s*)*<(!doctype\s|html|head|body|title|script|meta|\?xml|error|svg)\b", re.IGNORECASE | re.DOTALL)
TITLE = re.compile(r"<(title|message|h1)\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
ADDRESS = re.compile(r"\S*//\S*|\S+[?&]\S+=\S*")
MESSAGES = ("message", "error_description", "error", "detail", "title", "reason")
"""Names under which APIs say what is wrong."""


def check_no_page(path: Path) -> None:
    """Check that a downloaded file is no page of HTML or XML and no JSON.

    Raises:
        Rejected: `not_audio`, with the title or the message of the page.
    """
    with path.open("rb") as file:
        head = file.read(MAX_JSON + 1)
    fault = page_in(head)
    if fault is not None:
        raise Rejected(Reason.NOT_AUDIO, f"not audio but {fault}")


def page_in(head: bytes) -> str | None:
    """Return what kind of page begins with these bytes, and its own words; `None` for anything else.

    >>> page_in(b"<!DOCTYPE html><title>Just a moment...</title>")
    "a page of HTML: 'Just a moment...'"
    >>> page_in(b'{"error": "quota exceeded"}')
    "JSON: 'quota exceeded'"
    >>> page_in(b"RIFF....WAVE") is None
    True
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0<" in head[:HEAD] + b"\0":
        text = head.decode("utf-16", "replace").encode("utf-8", "replace").lstrip()
    if (page := PAGE.match(text[:HEAD])) is not None:
        kind = "XML" if page[1].lower() in {b"?xml", b"error", b"svg"} else "a page of HTML"
        title = TITLE.search(text.decode("utf-8", "replace"))
        return _with_words(kind, title[2] if title else "")
    if text.startswith((b"{", b"[")) and len(head) <= MAX_JSON:
        try:
            return _with_words("JSON", _message(json.loads(text)))
        except (ValueError, RecursionError):
            return None
    return None


def _message(answer: object) -> str:
    """Return what the JSON of an API says is wrong; nothing where it does not say."""
    for _ in range(3):  # {"error": {"message": "..."}}
        if isinstance(answer, dict):
            answer = next((answer[name] for name in MESSAGES if answer.get(name)), "")
    return answer if isinstance(answer, str) else ""


def _with_words(kind: str, words: str) -> str:
    words = " ".join(html.unescape(words[: 4 * MAX_MESSAGE]).split())
    words = ADDRESS.sub(lambda address: without_secrets(address[0]), words)
    words = "".join(character for character in words if character.isprintable())[:MAX_MESSAGE]
    return f"{kind}: {words!r}" if words else kind

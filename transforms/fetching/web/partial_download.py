"""Keep what has arrived of a download, so that the next attempt asks only for the rest (RFC 9110, sections 13.1.5 and 14)."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import urllib3

from pipeline.records import Reason, Rejected

CHUNK = 1 << 18  # bytes
MAX_VALIDATOR = 1000  # characters
STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')
CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII | re.IGNORECASE)


class WrongRangeError(ValueError):
    """The server sent another part of the file than it was asked for, or none; the text says which, for users."""


class PartialDownload:
    """A file that is being downloaded: its bytes so far, and what the server calls this version of it. For one thread at a time.

    Args:
        path: the file that is written.
        max_bytes: the largest size allowed.
        note: a file that tells a later process how to go on with `path`; without one, a new object begins anew.

    Attributes:
        method: that of the requests.
    """

    method = "GET"

    def __init__(self, path: Path, max_bytes: int, note: Path | None = None):
        self.path = path
        self.max_bytes = max_bytes
        self._note = note
        self.n_bytes = 0
        self._digest = hashlib.sha256()
        self._validator: str | None = None
        self._total: int | None = None
        if note is not None:
            self._go_on(note)

    @property
    def kept(self) -> int:
        """The number of bytes that need not be asked for again; 0 where the server cannot say whether they are still the same."""
        return self.n_bytes if self._validator else 0

    @property
    def sha256(self) -> str:
        """The hash of the bytes so far."""
        return self._digest.hexdigest()

    @property
    def request_headers(self) -> dict[str, str]:
        """The headers that ask for the rest of the same version; none where all of the file is asked for."""
        return {"Range": f"bytes={self.kept}-", "If-Range": self._validator} if self.kept and self._validator else {}

    def remove(self) -> None:
        """Remove the file and its note."""
        self.path.unlink(missing_ok=True)
        if self._note is not None:
            self._note.unlink(missing_ok=True)

    def begin_anew(self) -> None:
        """Forget what has arrived: the next request asks for all of the file."""
        self.n_bytes = 0
        self._digest = hashlib.sha256()
        self._validator = self._total = None

    def save(self, response: urllib3.BaseHTTPResponse) -> None:
        """Write the body of an answer with status 200 or 206 to the file.

        Raises:
            Rejected: `too_large`.
            WrongRangeError: the answer is no continuation; what had arrived is forgotten.
            urllib3.exceptions.HTTPError: the connection broke off; what arrived is kept.
        """
        if response.status == 206:
            end = self._end_of_range(response)
        else:
            self.begin_anew()
            end, self._total = None, response.length_remaining
            self._validator = validator_of(response)
        self._check_size(self.n_bytes + (response.length_remaining or 0), "announced")
        self._write_note()
        with self.path.open("r+b" if self.n_bytes else "wb") as file:
            file.seek(self.n_bytes)
            for chunk in response.stream(CHUNK, decode_content=False):
                self._check_size(self.n_bytes + len(chunk))
                file.write(chunk)
                self.n_bytes += len(chunk)
                self._digest.update(chunk)
        if end is not None and self.n_bytes != end:
            received = self.n_bytes
            self.begin_anew()
            raise WrongRangeError(f"a range that ends at byte {end} brought the file to {received} bytes")
        if self._total is not None and self.n_bytes < self._total:
            raise urllib3.exceptions.IncompleteRead(self.n_bytes, self._total - self.n_bytes)

    def _check_size(self, n_bytes: int, how: str = "") -> None:
        if n_bytes > self.max_bytes:
            shown = f"{n_bytes} bytes {how}, at most {self.max_bytes}" if how else f"more than {self.max_bytes} bytes"
            raise Rejected(Reason.TOO_LARGE, shown)

    def _end_of_range(self, response: urllib3.BaseHTTPResponse) -> int:
        """Return where the part that an answer 206 holds ends in the file, after checks that it is the part that was asked for."""
        fault = self._fault_of_range(response)
        if fault is None:
            matched = CONTENT_RANGE.fullmatch(response.headers["Content-Range"].strip())
            assert matched is not None
            self._total = int(matched[3])
            return int(matched[2]) + 1
        self.begin_anew()
        raise WrongRangeError(fault)

    def _fault_of_range(self, response: urllib3.BaseHTTPResponse) -> str | None:
        """Return what is wrong with an answer 206; `None` where it continues the file."""
        given = response.headers.get("Content-Range", "")
        if not self.kept:
            return "HTTP 206, and no range was asked for"
        matched = CONTENT_RANGE.fullmatch(given.strip())
        if matched is None:
            return f"HTTP 206 with Content-Range {given[:80]!r}"
        first, last, total = map(int, matched.groups())
        length = response.length_remaining
        if first != self.n_bytes or not first <= last < total or (self._total or total) != total:
            return f"asked for the bytes from {self.n_bytes} of {self._total or 'all'}, answered with Content-Range {given[:80]!r}"
        if length is not None and length != last + 1 - first:
            return f"Content-Range {given[:80]!r} with a Content-Length of {length}"
        etag = response.headers.get("ETag", self._validator or "")
        if (self._validator or "").startswith('"') and etag != self._validator:
            return f"the rest of another version: ETag {etag[:80]!r}"
        return None

    def _write_note(self) -> None:
        if self._note is not None:
            self._note.write_text(json.dumps({"validator": self._validator, "total": self._total}), encoding="utf-8")

    def _go_on(self, note: Path) -> None:
        """Take up what an earlier process has downloaded; begin anew where its note is missing or damaged."""
        try:
            facts = json.loads(note.read_text(encoding="utf-8"))
            validator, total = facts["validator"], facts["total"]
            with self.path.open("rb") as file:
                n_bytes, digest = 0, hashlib.sha256()
                while block := file.read(CHUNK):
                    digest.update(block)
                    n_bytes += len(block)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return
        is_valid = isinstance(validator, str) and validator.isprintable() and validator.isascii() and len(validator) <= MAX_VALIDATOR
        if is_valid and (total is None or (isinstance(total, int) and n_bytes < total)):
            self.n_bytes, self._digest, self._validator, self._total = n_bytes, digest, validator, total


def validator_of(response: urllib3.BaseHTTPResponse) -> str | None:
    """Return what `If-Range` may hold for an answer: its strong ETag, or its Last-Modified where that is strong; `None` for neither.

    A date is strong when the answer was made at least a second after it (RFC 9110, section 8.8.2.2), and only where there is no ETag
    (section 13.1.5).
    """
    headers = response.headers
    if "none" in headers.get("Accept-Ranges", "").lower():
        return None
    etag, modified = headers.get("ETag"), headers.get("Last-Modified", "")
    if etag is not None:
        return etag if STRONG_ETAG.fullmatch(etag) and len(etag) <= MAX_VALIDATOR else None
    try:
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError, OverflowError):  # no date; one with a time zone and one without
        return None
    return modified if age >= timedelta(seconds=1) and len(modified) <= MAX_VALIDATOR else None

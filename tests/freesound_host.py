"""Run a real HTTP server on 127.0.0.1 that answers as the API of Freesound: search, records, previews and originals, with tokens."""

from __future__ import annotations

import json
import re
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.threaded_host import ThreadedHost

TOKEN, OAUTH = "k3y", "oa2th"


class FreesoundHost(ThreadedHost):
    """The server.

    Attributes:
        sounds: number -> bytes of its preview; its original is these bytes twice.
        allowed: requests to the API that are left before it answers 429; None for no limit.
        tokens: those that are accepted; an expired one is taken out.
        fail_with: status of every answer of the API, where it is set.
    """

    def __init__(self, sounds: dict[int, bytes]):
        self.sounds = dict(sounds)
        self.allowed: int | None = None
        self.tokens = {f"Token {TOKEN}", f"Bearer {OAUTH}"}
        self.fail_with: int | None = None
        self.n_requests: Counter[str] = Counter()
        self.authorizations: list[tuple[str, str | None]] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def api(self) -> str:
        return f"{self.root}/apiv2"

    def record(self, number: int) -> dict[str, Any]:
        preview = f"{self.root}/data/previews/0/{number}_7-"
        return {
            "id": number,
            "name": f"Sound_{number}.wav",
            "tags": ["field-recording", f"n{number}"],
            "description": f"Sound number {number} — recorded at home.\r\nEquipment: H4n.",
            "username": "ann",
            "license": "http://creativecommons.org/licenses/by/3.0/",
            "duration": number / 4,
            "previews": {"preview-hq-mp3": f"{preview}hq.mp3", "preview-lq-ogg": f"{preview}lq.ogg"},
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        owner: FreesoundHost = self.server.owner  # type: ignore[attr-defined]
        path, query = urlsplit(self.path).path, {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        owner.n_requests[path] += 1
        owner.authorizations.append((path, self.headers.get("Authorization")))
        if preview := re.fullmatch(r"/data/previews/0/(\d+)_7-hq\.mp3", path):
            self.sound(owner.sounds.get(int(preview[1])))
        elif owner.fail_with is not None:
            self.answer(owner.fail_with, {"detail": "Something failed."})
        elif self.headers.get("Authorization") not in owner.tokens:
            self.answer(401, {"detail": "Invalid token"})
        elif owner.allowed == 0:
            self.answer(429, {"detail": "Request was throttled because of exceeding a request limit rate (60/minute)"})
        else:
            owner.allowed = None if owner.allowed is None else owner.allowed - 1
            self.api(owner, path, query)

    def api(self, owner: FreesoundHost, path: str, query: dict[str, str]) -> None:
        if path == "/apiv2/search/text/":
            self.search(owner, query)
        elif (match := re.fullmatch(r"/apiv2/sounds/(\d+)/(download/)?", path)) is None or int(match[1]) not in owner.sounds:
            self.answer(404, {"detail": "Not found."})
        elif match[2] is None:
            self.answer(200, {name: owner.record(int(match[1]))[name] for name in query["fields"].split(",")})
        elif self.headers["Authorization"].startswith("Bearer"):
            self.sound(2 * owner.sounds[int(match[1])])
        else:
            self.answer(401, {"detail": "Authentication credentials were not provided."})

    def search(self, owner: FreesoundHost, query: dict[str, str]) -> None:
        numbers = sorted(owner.sounds)
        if given := re.fullmatch(r"id:\(([\d OR]+)\)", query.get("filter", "")):
            wanted = {int(number) for number in given[1].split(" OR ")}
            numbers = [number for number in reversed(numbers) if number in wanted]  # by score, not as they were asked for
        page, size = int(query.get("page", "1")), int(query["page_size"])
        on_page = numbers[(page - 1) * size : page * size]
        if not on_page and page > 1:
            self.answer(404, {"detail": "Not found"})
            return
        link = f"{owner.api}/search/text/?query=&page={page + 1}"
        results = [{name: owner.record(number)[name] for name in query["fields"].split(",")} for number in on_page]
        following = link if page * size < len(numbers) else None
        self.answer(200, {"count": len(numbers), "previous": None, "next": following, "results": results})

    def sound(self, data: bytes | None) -> None:
        self.send(404, b"<html>gone</html>", "text/html") if data is None else self.send(200, data, "audio/mpeg")

    def answer(self, status: int, body: dict[str, Any]) -> None:
        self.send(status, json.dumps(body).encode(), "application/json")

    def send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


FreesoundHost.handler = _Handler

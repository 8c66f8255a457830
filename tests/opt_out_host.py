"""A host on loopback whose recordings come with headers, and that can change its mind about them."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import soundfile

from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from tests.eager import EagerEngine
from tests.fates import tone, unwatched

RECIPE = """
name = "hosted"
shard_size = 3
allow_private = true

[[sources]]
source = "table"
dataset = "Hosted"
path = "clips.csv"
"""


class OptOutHost:
    """The server.

    Attributes:
        files: path -> content. headers: path -> headers that are sent with it. status: path -> a status other than 200.
        no_head: whether HEAD is refused. requests: method and path of each.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.status: dict[str, int] = {}
        self.no_head = False
        self.requests: list[str] = []

    def __enter__(self) -> OptOutHost:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                owner.answer(self)

            do_HEAD = do_GET

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(f"{handler.command} {handler.path}")
        body = self.files.get(handler.path)
        status = self.status.get(handler.path, 404 if body is None else 200)
        if handler.command == "HEAD" and self.no_head:
            status = 405
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body or b"")), **self.headers.get(handler.path, {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(body or b"")


LICENSES = ("CC-BY-4.0", "CC0-1.0", "Own words")


def sound(pitch: float) -> bytes:
    """Return a short WAV file."""
    file = io.BytesIO()
    soundfile.write(file, tone(pitch, 0.2, 8000), 8000, subtype="PCM_16", format="WAV")
    return file.getvalue()


def hosted_set(root: Path, host: OptOutHost, recipe: str = RECIPE, licenses: Sequence[str] = LICENSES, of_local: str = "") -> Path:
    """Build a set of six recordings of a host, and one that is on this disk with the licence `of_local`; return its folder."""
    lines = ["id,url,caption,license,creator,title"]
    for n in range(6):
        host.files[f"/{n}.wav"] = sound(200 + 30 * n)
        license = licenses[n % len(licenses)]
        lines.append(f"c{n},{host.url(f'/{n}.wav')},Sound {n}.,{license},=cmd|' /C calc'!A{n},Title {n}")
    noise = np.random.default_rng(7).integers(-9000, 9000, 96_000).astype(np.int16)  # its tar is large
    soundfile.write(root / "here.wav", noise, 48_000, subtype="PCM_16")
    lines.append(f"here,here.wav,A sound from here.,{of_local},,")
    (root / "clips.csv").write_text("\n".join(lines) + "\n")
    (root / "recipe.toml").write_text(recipe)
    return build_again(root)


def build_again(root: Path) -> Path:
    """Build the recipe in a folder; return the folder of the set."""
    build(load_recipe(str(root / "recipe.toml")), Folder(str(root / "out")), None, EagerEngine(), unwatched)
    return root / "out"

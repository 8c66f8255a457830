"""A model hub on loopback: what huggingface_hub asks to make a repository, to commit files to it, to list them and to download them."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import huggingface_hub
import pytest

TOKEN = "hf_of_a_test"
OWNER = "me"
LARGE = 100_000  # bytes from which a file is sent by git LFS


class Hub(ThreadingHTTPServer):
    """repositories: content of files by name. requests: method and path of each. failing: a part of paths that fail. commits_left: how
    many commits are taken; `None`: all."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.stored: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.failing = ""
        self.commits_left: int | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Requests(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, content: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": "0" * 40, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refused(self, body: bytes) -> bool:
        """Answer a request that fails or that no token allows. Return whether it was one."""
        self.server.requests.append(f"{self.command} {self.path}")
        if self.server.failing and self.server.failing in self.path:
            self.answer({"error": "the disk of the hub is full"}, 403)
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}" and not self.path.startswith("/storage"):
            self.answer({"error": "Invalid username or password."}, 401)
        else:
            return False
        return True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.refused(body):
            return
        if self.path == "/api/repos/create":
            self.create(json.loads(body))
        elif self.path == "/api/validate-yaml":
            self.answer({"warnings": [], "errors": []})
        elif "/preupload/" in self.path:
            modes = [(file["path"], "lfs" if file["size"] >= LARGE else "regular") for file in json.loads(body)["files"]]
            self.answer({"files": [{"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": None} for path, mode in modes]})
        elif self.path.endswith("/info/lfs/objects/batch"):
            self.answer({"transfer": "basic", "objects": [self.upload_to(entry) for entry in json.loads(body)["objects"]]})
        elif "/commit/" in self.path:
            self.commit("/".join(self.path.split("/")[3:5]), [json.loads(line) for line in body.splitlines()])

    def create(self, asked: dict) -> None:
        owner = asked.get("organization") or OWNER
        name = f"{owner}/{asked['name']}"
        if owner != OWNER:
            return self.answer({"error": f"You don't have the rights to create a model under the namespace {owner!r}"}, 403)
        if name in self.server.repositories:
            return self.answer({"error": "You already created this model repo", "url": f"{self.server.address}/{name}"}, 409)
        self.server.repositories[name] = {}
        self.server.private[name] = asked.get("visibility") == "private"
        self.answer({"url": f"{self.server.address}/{name}", "name": name})

    def upload_to(self, entry: dict) -> dict:
        return {**entry, "actions": {"upload": {"href": f"{self.server.address}/storage/{entry['oid']}"}}}

    def commit(self, name: str, lines: list[dict]) -> None:
        if self.server.commits_left is not None:
            if self.server.commits_left == 0:
                return self.answer({"error": "the disk of the hub is full"}, 403)
            self.server.commits_left -= 1
        files = self.server.repositories[name]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.stored[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        self.answer({"commitUrl": f"{self.server.address}/{name}/commit/{'0' * 40}", "commitOid": "0" * 40})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.refused(body):
            oid = self.path.rpartition("/")[2]
            assert hashlib.sha256(body).hexdigest() == oid
            self.server.stored[oid] = body
            self.answer({})

    def do_GET(self) -> None:
        if self.refused(b""):
            return
        if self.path.startswith("/api/datasets/") and "/tree/" in self.path:
            return self.answer([self.entry(*each) for each in self.server.repositories["/".join(self.path.split("/")[3:5])].items()])
        if "/tree/" in self.path:
            return self.answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})  # no repository of a model has folders
        if self.path.startswith("/api/models/"):
            name = "/".join(unquote(self.path).split("/")[3:5])
            names = [{"rfilename": file} for file in self.server.repositories.get(name, {})]
            return self.answer({"id": name, "sha": "0" * 40, "siblings": names}, 200 if name in self.server.repositories else 404)
        name, _, rest = unquote(self.path.split("?")[0])[1:].partition("/resolve/")
        content = self.server.repositories.get(name.removeprefix("datasets/"), {}).get(rest.partition("/")[2])
        if content is None:
            return self.answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        self.answer(content, headers={"ETag": f'"{hashlib.sha256(content).hexdigest()}"'})

    do_HEAD = do_GET

    @staticmethod
    def entry(name: str, content: bytes) -> dict:
        """Return what the list of a repository says of a file: its hash of git, and its SHA-256 where it went by git LFS."""
        git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        lfs = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        return {"type": "file", "path": name, "size": len(content), "oid": git} | ({"lfs": lfs} if len(content) >= LARGE else {})


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a hub in a thread."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


@contextmanager
def hub_of_commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Run a hub that command lines take for the hub. Large files go to it by LFS: xet is a protocol of the storage behind a hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with running_hub() as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.address)
        template = f"{hub.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub

"""Run a real server of an object store on 127.0.0.1: S3 by moto, Google Cloud Storage by its emulator. Every request is written down.

with s3_store() as store:
    build(recipe, Folder(store.root), ...)
    assert len(store.requests) < 100
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock
from urllib.parse import unquote

import fsspec

S3_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
LOST = "lost"
"""What a fault of a store gives for a request that is done, but whose answer never comes."""


class Store:
    """A running store with one empty bucket.

    Attributes:
        root: the address of a folder in the bucket.
        environment: the variables that point programs to the store; they are set in this process while it runs.
        requests: "METHOD path?query" of each request, in order; clear it to count anew.
        fault: called with each request; it may return a status (500) to answer with, or `LOST`.
    """

    def __init__(self, root: str, environment: dict[str, str]):
        self.root = root
        self.environment = environment
        self.requests: list[str] = []
        self.fault: Callable[[str], int | str | None] = lambda request: None

    def note(self, method: str, path: str, query: str) -> int | str | None:
        """Write a request down, and return the fault that it meets."""
        request = f"{method} {unquote(path)}" + (f"?{unquote(query)}" if query else "")
        self.requests.append(request)
        return self.fault(request)

    def files(self) -> dict[str, bytes]:
        """Return the content of every file of the folder, by name."""
        fsspec.core.url_to_fs(self.root)[0].invalidate_cache()
        files = fsspec.get_mapper(self.root)
        return {name: files[name] for name in files}


@contextlib.contextmanager
def s3_store() -> Iterator[Store]:
    """Run moto's S3."""
    from moto.core.responses import BaseResponse  # noqa: F401  (moto's own order of imports)
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    moto = DomainDispatcherApplication(create_backend_app)
    store = Store("s3://bucket/set", {})

    def application(environ: dict[str, Any], start_response: Callable) -> Any:
        fault = store.note(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        if isinstance(fault, int):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response(f"{fault} fault", [])
            return [b""]
        answer = moto(environ, start_response if fault is None else lambda *_: None)
        if fault is None:
            return answer
        for _ in answer:
            pass
        start_response("503 the answer was lost", [])
        return [b""]

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: Any, **__: Any) -> None:
            pass

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    store.environment |= S3_ACCOUNT | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
    with _running(server, store):
        fsspec.filesystem("s3").mkdir("bucket")
        yield store


@contextlib.contextmanager
def gs_store() -> Iterator[Store]:
    """Run an emulator of Google Cloud Storage."""
    from gcp_storage_emulator.server import RequestHandler, create_server

    store = Store("gs://bucket/set", {})

    class Handler(RequestHandler):
        def parse_request(self) -> bool:
            parsed = super().parse_request()
            if parsed:
                path, _, query = self.path.partition("?")
                store.note(self.command, path, query)
            return parsed

    emulator = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    yield store, emulator, Handler


@contextlib.contextmanager
def _running(server: Any, store: Store) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        with mock.patch.dict(os.environ, store.environment):
            fsspec.config.set_conf_env(fsspec.config.conf)
            for name in ("s3", "gs", "gcs"):
                with contextlib.suppress(ImportError):
                    fsspec.get_filesystem_class(name).clear_instance_cache()
            yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Run a server of an object store on 127.0.0.1: S3 by moto, Google Cloud Storage by its emulator. Every request is written down.

with s3_store() as store:
    build(recipe, Folder(store.root), ...)
    assert len(store.requests) < 100
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from http.server import HTTPServer
from typing import Any
from unittest import mock
from urllib.parse import unquote

import fsspec

from pipeline.output.object_store import ObjectStore

Answer = int | str | None
LOST = "lost"
"""What a fault gives for a request that is done, but whose answer is lost."""
S3_ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
GS_ACCOUNT = {"FSSPEC_GS_TOKEN": "anon", "FSSPEC_GS_PROJECT": "test", "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}


class Store:
    """A running store with a bucket.

    Attributes:
        root: the address of an empty folder in the bucket.
        environment: the variables that point programs to the store; they are set in this process while it runs.
        requests: "METHOD path?query" of each request, in order; clear it to count anew.
        fault: called with each request; it may return a status (500) to answer with, or `LOST`.
    """

    def __init__(self, root: str, environment: dict[str, str]):
        self.root = root
        self.environment = environment
        self.requests: list[str] = []
        self.fault: Callable[[str], Answer] = lambda request: None

    def note(self, method: str, path: str, query: str) -> Answer:
        """Write a request down, and return the fault that it meets."""
        self.requests.append(f"{method} {unquote(path)}" + (f"?{unquote(query)}" if query else ""))
        return self.fault(self.requests[-1])

    def files(self) -> dict[str, bytes]:
        """Return the content of every file of the folder, by name."""
        store = ObjectStore(self.root)
        return {name: store.read(name) for name in store.listing()}


@contextlib.contextmanager
def s3_store() -> Iterator[Store]:
    """Run moto's S3."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Callable) -> Any:
        fault = store.note(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        if fault is None:
            return moto(environ, start_response)
        if fault == LOST:
            list(moto(environ, lambda *_: None))
        start_response(f"{500 if fault == LOST else fault} fault", [("Content-Length", "0")])
        return [b""]

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any, **__: Any) -> None:
            pass

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    bucket = f"bucket-{uuid.uuid4().hex}"  # moto keeps its buckets in this process
    store = Store(f"s3://{bucket}/set", S3_ACCOUNT | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"})
    with _running(server, store):
        fsspec.filesystem("s3").mkdir(bucket)
        store.requests.clear()
        yield store


@contextlib.contextmanager
def gs_store() -> Iterator[Store]:
    """Run an emulator of Google Cloud Storage; it has no faults."""
    from gcp_storage_emulator.server import RequestHandler, create_server

    class Handler(RequestHandler):
        def parse_request(self) -> bool:
            if parsed := super().parse_request():
                path, _, query = self.path.partition("?")
                store.note(self.command, path, query)
            return bool(parsed)

    class Server(HTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):  # the end of a client, which some tests kill
                super().handle_error(request, client_address)

    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)  # it reports every file that is not there as an error
    storage = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")._storage
    server = Server(("127.0.0.1", 0), partial(Handler, storage))
    store = Store("gs://bucket/set", GS_ACCOUNT | {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{server.server_port}"})
    with _running(server, store):
        yield store


@contextlib.contextmanager
def _running(server: Any, store: Store) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    before = copy.deepcopy(fsspec.config.conf)
    try:
        with mock.patch.dict(os.environ, store.environment):
            fsspec.config.set_conf_env(fsspec.config.conf)
            fsspec.get_filesystem_class(store.root.partition("://")[0]).clear_instance_cache()
            yield
    finally:
        fsspec.config.conf.clear()
        fsspec.config.conf.update(before)
        server.shutdown()
        thread.join()
        server.server_close()

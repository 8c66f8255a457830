"""A missing bucket, missing keys and a missing package end a command with the remedy, on a real server of S3."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import fsspec
import pytest

from pipeline.failures import BUCKET, KEYS, USAGE, WRONG, explain
from pipeline.output.object_store import ObjectStore
from pipeline.output.store_faults import NoBucketError, NoKeysError
from tests.stores import Store, s3_store

missing = [name for name in ("moto", "s3fs") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"{missing} not installed")


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with s3_store() as running:
        yield running


def test_a_bucket_that_does_not_exist_is_bad_usage(store: Store) -> None:
    with pytest.raises(NoBucketError, match="does not exist: 's3://no-such-bucket/x'") as caught:
        ObjectStore("s3://no-such-bucket/x").write("a", b"")
    failure = explain(caught.value, "build")
    assert (failure.remedy, failure.exit_code) == (BUCKET, USAGE)


def test_keys_that_do_not_allow_it_are_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "fault", lambda request: 403 if request.startswith("PUT") else None)
    with pytest.raises(NoKeysError, match="set/a") as caught:
        ObjectStore(store.root).write("a", b"")
    failure = explain(caught.value, "build")
    assert (failure.remedy, failure.exit_code, failure.is_bug) == (KEYS, WRONG, False)


def test_a_missing_package_on_a_worker_is_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(*_: object, **__: object) -> None:
        raise ImportError("Please install gcsfs to access Google Storage")

    monkeypatch.setattr(fsspec.core, "url_to_fs", not_installed)
    with pytest.raises(OSError, match=r"^gs://b/x: needs a package .* pip install 'laion-audio\[gcs\]'$"):
        ObjectStore("gs://b/x")

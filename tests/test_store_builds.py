"""Builds in object stores: real clients and real servers on this machine, and the same bytes as in a local folder."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.output.object_store import ObjectStore
from pipeline.output.storage import Folder
from tests.stores import LOST, Answer, Store, gs_store, s3_store

N_CLIPS, SHARD_SIZE = 12, 4
N_SHARDS = N_CLIPS // SHARD_SIZE
NOT_THE_SAME = ("build.json", ".recordings", "_stats.json")
"""Ends of names of files that hold times."""

PACKAGES = ("moto", "s3fs", "gcsfs", "gcp_storage_emulator")
needs = {name: pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed") for name in PACKAGES}
gs = pytest.param(gs_store, id="gs", marks=[needs["gcsfs"], needs["gcp_storage_emulator"]])
RunStore = Callable[[], AbstractContextManager[Store]]
pytestmark = [needs["moto"], needs["s3fs"]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of 3 shards, and its build in a local folder, `out`."""
    home = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    for n in range(N_CLIPS):
        soundfile.write(home / f"{n}.wav", rng.normal(0, 0.1, 4800), 48000)
    with (home / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "url", "caption"], *([f"c{n}", f"{n}.wav", f"Sound {n}."] for n in range(N_CLIPS))])
    source = '[[sources]]\nsource = "table"\ndataset = "Set"\npath = "clips.csv"\n'
    (home / "r.toml").write_text(f'name = "x"\nshard_size = {SHARD_SIZE}\n{source}')
    build(home, str(home / "out"))
    return home


def build(home: Path, output: str, *options: str, code: int = 0) -> str:
    """Run the command in a process of its own; return what it printed."""
    command = [sys.executable, "-m", "pipeline", "build", str(home / "r.toml"), "--output", output, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def local_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def comparable(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files that are equal in every build, and of each marker what is equal."""
    equal = {name: data for name, data in files.items() if not name.endswith(NOT_THE_SAME)}
    for name, data in files.items():
        if name.endswith("_stats.json"):
            equal[name] = json.dumps(json.loads(data) | {"build_seconds": 0}).encode()
    return equal


def assert_same(store: Store, home: Path) -> None:
    stored, local = comparable(store.files()), comparable(local_files(home / "out"))
    assert stored.keys() == local.keys()
    assert [name for name in local if stored[name] != local[name]] == []


def of_shard(requests: list[str], shard: int) -> list[str]:
    """Return the requests that name one shard."""
    return [request for request in requests if re.search(rf"/Set/train/0*{shard}(\.|_|/|$)", request)]


@pytest.mark.slow
def test_a_build_asks_s3_eleven_times_a_shard_and_one_with_nothing_to_do_once(home: Path) -> None:
    with s3_store() as store:
        build(home, store.root)
        assert [len(of_shard(store.requests, shard)) for shard in range(N_SHARDS)] == [11] * N_SHARDS
        assert len(store.requests) <= 11 * N_SHARDS + 100  # those of a plan, whatever its size, among them
        assert_same(store, home)
        store.requests.clear()
        assert "nothing was left to do" in build(home, store.root)
        assert len(store.requests) <= N_SHARDS + 5
        assert not any(request.startswith(("HEAD", "PUT", "DELETE", "POST")) for request in store.requests)


@pytest.mark.slow
@pytest.mark.parametrize("run_store", [pytest.param(s3_store, id="s3"), gs])
def test_a_build_that_goes_on_in_worker_processes_counts_all_shards(run_store: RunStore, home: Path) -> None:
    with run_store() as store:
        build(home, store.root)
        for shard in (1, 2):
            _store_of(store).remove([f"Set/train/{shard}{end}" for end in ("_stats.json", ".tar", ".parquet")])
        _store_of(store).remove(["Set/train/sizes.json"])
        build(home, store.root, "--direct_running_mode=multi_processing", "--workers", "2")
        assert json.loads(store.files()["Set/train/sizes.json"]) == {f"{shard}.tar": SHARD_SIZE for shard in range(N_SHARDS)}
        assert_same(store, home)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [503, LOST])
def test_requests_that_fail_or_lose_their_answer_are_made_again(fault: Answer, home: Path) -> None:
    seen: Counter[str] = Counter()

    def once(request: str) -> Answer:
        seen[request] += 1
        return fault if seen[request] == 1 and request.startswith("PUT") else None

    with s3_store() as store:
        store.fault = once
        build(home, store.root)
        assert_same(store, home)
        assert not any(".lock/" in name for name in store.files())


@pytest.mark.slow
def test_a_second_build_in_a_store_is_refused_and_one_after_a_kill_goes_on(home: Path) -> None:
    with s3_store() as store:
        command = [sys.executable, "-m", "pipeline", "build", str(home / "r.toml"), "--output", store.root]
        killed = threading.Event()

        def hold(request: str) -> None:
            if request.startswith("PUT") and "/Set/train/0.tar" in request and not killed.is_set():
                killed.wait(60)

        store.fault = hold
        first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not any("/Set/train/0.tar" in request for request in list(store.requests)) and first.poll() is None:
            time.sleep(0.1)
        printed = build(home, store.root, code=1)
        assert re.search(
            rf"another build is at work here .process {first.pid} of .* since .*last seen \d+ s ago", printed.replace("\n", " ")
        )
        assert f"{store.root}/.lock/" in printed.replace("\n", "")
        first.kill()
        first.wait()
        killed.set()
        build(home, store.root)
        assert_same(store, home)


@pytest.mark.slow
def test_a_file_address_is_a_path(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(home, f"file://{out}")
    assert comparable(local_files(out)).keys() == comparable(local_files(home / "out")).keys()
    assert "nothing was left to do" in build(home, str(out))
    with Folder(str(out)).locked():
        assert "another build is at work here" in build(home, f"file://{out}", code=1)


def _store_of(store: Store) -> ObjectStore:
    return ObjectStore(store.root)

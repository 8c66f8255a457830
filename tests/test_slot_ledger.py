"""Limits by time hold in a folder that is not local: over workers, over runs, and after a worker was killed."""

from __future__ import annotations

import io
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import fsspec
import pytest
import soundfile

from pipeline.engines.run import Engine
from pipeline.output.damage import DamagedFileError
from pipeline.output.ownership import check_folder
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import Clip, Rejected
from pipeline.verbs.build import Outcome, build
from tests.eager import EagerEngine
from tests.fates import tone, unwatched
from tests.loopback import Loopback
from transforms.fetching.fetch import Fetcher
from transforms.fetching.limits.budgets import Budgets, BudgetSettings
from transforms.fetching.limits.hosts import HostLimits, HostTable
from transforms.fetching.settings import FetchSettings
from transforms.shards import slot_ledger as module
from transforms.shards.slot_ledger import machine_ledger, needs_slot, paused_in_slot, slot_ledger

N = 12
SLOT_FILE = ".budgets/slot-0.sqlite"
RECIPE = """
name = "hosts"
shard_size = 2
allow_private = true
[[sources]]
source = "table"
dataset = "Set"
path = "clips.csv"
[hosts."127.0.0.1"]
concurrency = 3
per_day = {per_day}
"""
DAY = HostTable({"h": HostLimits(per_day=100), "few": HostLimits(per_day=3)})


@pytest.fixture
def remote() -> Iterator[Folder]:
    yield Folder(f"memory://{uuid.uuid4()}")
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def server() -> Iterator[Loopback]:
    files = {}
    for n in range(N):
        buffer = io.BytesIO()
        soundfile.write(buffer, tone(200 + 40 * n, 0.05, 8000), 8000, format="WAV", subtype="PCM_16")
        files[f"/{n}.wav"] = buffer.getvalue()
    with Loopback(files) as running:
        yield running


def build_with(per_day: int, server: Loopback, home: Path, folder: Folder, engine: Engine) -> Outcome:
    rows = [f"c{n},{server.url(f'/{n}.wav')},Sound {n}." for n in range(N)]
    (home / "clips.csv").write_text("\n".join(["id,url,caption", *rows]) + "\n")
    (home / "recipe.toml").write_text(RECIPE.format(per_day=per_day))
    return build(load_recipe(str(home / "recipe.toml")), folder, None, engine, unwatched)


def tars_and_books(folder: Folder) -> dict[str, str]:
    names = [name for name in folder.names("Set") if name.endswith((".tar", ".parquet")) and "evidence" not in name]
    return {name: sha256(folder.read(name)).hexdigest() for name in names}


@pytest.mark.parametrize("engine", [EagerEngine(), pytest.param(Engine(n_workers=4), marks=pytest.mark.slow)])
def test_a_budget_holds_over_workers_and_runs_and_the_set_is_the_same_in_the_end(engine, server, remote, tmp_path):
    assert build_with(5, server, tmp_path, remote, engine).books.balance
    assert server.n_requests.total() == 5
    build_with(5, server, tmp_path, remote, engine)
    assert server.n_requests.total() == 5
    assert list(paused_in_slot(remote, HostTable({"127.0.0.1": HostLimits(per_day=5)}), time.time())) == ["127.0.0.1"]
    build_with(100, server, tmp_path, remote, engine)
    assert set(server.n_requests.values()) == {1}
    assert server.most_in_flight[""] <= 4  # three, and one whose answer was sent a moment ago
    local = Folder(str(tmp_path / "local"))
    build_with(100, server, tmp_path, local, EagerEngine())
    assert tars_and_books(remote) == tars_and_books(local) and len(tars_and_books(remote)) == N


def request(path: Path, host: str = "h", times: int = 1) -> None:
    budgets = Budgets(BudgetSettings(DAY, path))
    for _ in range(times):
        with budgets.request(host):
            pass


def used(folder: Folder, limit: int) -> bool:
    """Return whether a host counts as asked `limit` times in a worker that begins now."""
    with slot_ledger(folder) as slot:
        budgets = Budgets(BudgetSettings(HostTable({"h": HostLimits(per_day=limit)}), slot.path))
        return budgets.open_at("h") is not None


def test_a_slot_goes_on_with_the_requests_that_were_saved(remote):
    for _ in range(2):
        with slot_ledger(remote) as slot:
            request(slot.path, times=4)
    assert used(remote, 8) and not used(remote, 9)


def test_a_worker_that_is_killed_has_made_no_request_that_is_not_counted(remote):
    with slot_ledger(remote) as slot:
        for n in range(1, 13):
            request(slot.path)
            remote.write("copy", remote.read(SLOT_FILE))
            killed = Folder(f"{remote.root}/killed")  # as another worker finds it
            killed.write(SLOT_FILE, remote.read("copy"))
            assert used(killed, n) and not used(killed, n + module.n_reserved(HostLimits(per_day=100)))


def test_requests_in_advance_are_not_counted_once_a_shard_is_done(remote):
    with slot_ledger(remote) as slot:
        request(slot.path)
        slot.save()
        assert not used(remote, 2)


def test_copies_are_not_written_for_hosts_without_limits_by_time(remote):
    with slot_ledger(remote) as slot:
        request(slot.path, "other", 3)
        assert not remote.exists(SLOT_FILE)


def test_a_copy_that_cannot_be_written_ends_the_worker_before_the_request(remote, monkeypatch):
    with slot_ledger(remote) as slot:

        def fail(self, name, data):
            raise OSError("the bucket is gone")

        with monkeypatch.context() as patch:
            patch.setattr(Folder, "write", fail)
            with pytest.raises(OSError, match="the bucket is gone"):
                request(slot.path)
        request(slot.path)
    assert used(remote, 1) and not used(remote, 2)


def test_a_budget_that_is_used_up_is_seen_from_outside(remote):
    assert paused_in_slot(remote, DAY, 0.0) == {}
    with slot_ledger(remote) as slot:
        request(slot.path, "few", 3)
        with pytest.raises(Rejected):
            request(slot.path, "few")
    assert paused_in_slot(remote, DAY, time.time())["few"] == pytest.approx(time.time() + 86_400, abs=60)


def test_a_damaged_copy_is_named_as_in_its_folder(remote):
    remote.write(SLOT_FILE, b"?" * 5000)
    with pytest.raises(DamagedFileError, match=r"^\.budgets/slot-0\.sqlite: damaged"), slot_ledger(remote):
        pass
    with pytest.raises(DamagedFileError, match=r"^\.budgets/slot-0\.sqlite: damaged"):
        paused_in_slot(remote, DAY, 0.0)
    assert remote.read(SLOT_FILE) == b"?" * 5000


def test_a_folder_with_nothing_but_a_slot_is_ours_and_lists_nothing(remote):
    remote.write(SLOT_FILE, b"")
    check_folder(remote)
    assert remote.names() == [] and remote.listing() == {}


@pytest.mark.parametrize(
    ("urls", "answer"),
    [
        ([], False),
        (["a.wav", "https://x.org/a", ""], False),
        (["https://x.org/a", "https://youtu.be/abc"], True),
        (["https://CDN.Freesound.org/a.mp3"], True),
        (["https://[broken"], False),
        (["https://freesound.org/here.wav"], False),
        (["https://freesound.org/here.wav", "https://freesound.org/gone.wav"], True),
        (["https://freesound.org/twice.wav"], False),  # ambiguous: rejected without a request
    ],
)
def test_shards_that_ask_a_host_with_limits_by_time_need_the_slot(urls, answer, tmp_path):
    for name in ("here.wav", "a/twice.wav", "b/twice.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    clips = [Clip("table", "Set", "train", "x", url, recording=url, audio_root=str(tmp_path)) for url in urls]
    assert needs_slot(clips, Fetcher(tmp_path, FetchSettings())) is answer


def test_workers_of_a_machine_share_a_file_that_no_other_user_made(remote, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = machine_ledger(remote)
    assert path == machine_ledger(remote) != machine_ledger(Folder("memory://other"))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.parent.rmdir()
    path.parent.symlink_to(tmp_path)
    assert machine_ledger(remote).parent not in (path.parent, tmp_path)
    path.parent.unlink()
    path.parent.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    (tmp_path / "laion-audio-12345").mkdir()  # it belongs to the user of this test
    assert machine_ledger(remote).parent.name != "laion-audio-12345"

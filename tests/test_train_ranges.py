"""Shards on a server: what is fetched, what is cached, and what happens when a transfer fails."""

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.test_train_command import call
from tests.train_runs import TINY, environment, losses, trained
from tests.train_sets import write_split
from train.data import index, ranges
from train.data.batch import Collate, train_loader
from train.data.order import Portion, samples_of_steps
from train.data.samples import BrokenSample, Clips
from train.data.shards import find_shards
from train.fit import fit
from train.towers.tokenizer import train_tokenizer


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Serve files and ranges of them. `server.asked` lists (file name, range); `server.fault` is what goes wrong."""

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        self.server.asked.append((Path(self.path).name, wanted[0] if wanted else ""))
        if not wanted or self.server.fault == "no ranges":
            return super().do_GET()
        data = Path(self.translate_path(self.path)).read_bytes()
        start, end = int(wanted[1]), min(int(wanted[2]) + 1, len(data))
        if start >= end:
            return self.send_error(416)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.write(data[start : (start + end) // 2 if self.server.fault == "cut" else end])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


class Served(http.server.ThreadingHTTPServer):
    """A server of one folder."""

    def __init__(self, root: Path):
        super().__init__(("127.0.0.1", 0), functools.partial(Ranges, directory=str(root)))
        self.root, self.address = root, f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, str]] = []
        self.fault = ""

    def of_tars(self) -> list[tuple[str, str]]:
        """Return the requests for tars."""
        return [asked for asked in self.asked if asked[0].endswith(".tar")]


@contextlib.contextmanager
def serving(root: Path) -> Iterator[Served]:
    """Serve a folder while the block runs."""
    server = Served(root)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for function in (ranges.fetch_range, ranges.copy_file, index._remote_entries):
        monkeypatch.setattr(function.retry, "sleep", lambda seconds: None)
    write_split(tmp_path / "set" / "A" / "train", 7)
    with serving(tmp_path / "set") as server:
        yield server


def opened(where: object, cache: Path) -> Clips:
    return Clips(find_shards(str(where), "train"), True, cache, seed=5)


def test_a_sample_is_fetched_once_by_one_range(served, tmp_path):
    clips = opened(served.address, tmp_path / "cache")
    by_headers = served.of_tars()
    assert {asked for _, asked in by_headers} >= {"bytes=0-4607"} and "" not in {asked for _, asked in by_headers}
    assert len(by_headers) <= 2 * 7 + 2
    served.asked.clear()
    clips[0, 3], clips[0, 3]
    member = clips.samples[3][1]
    assert served.of_tars() == [("0.tar", f"bytes={member.audio_start}-{member.text_start + member.text_size - 1}")]
    served.asked.clear()
    opened(served.address, tmp_path / "cache")[1, 3]
    assert served.of_tars() == []
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_order_samples_and_captions_are_those_of_the_local_shards(served, tmp_path):
    local, remote = opened(served.root, tmp_path / "a"), opened(served.address, tmp_path / "b")
    assert list(local.all_captions()) == list(remote.all_captions())
    collate = Collate(train_tokenizer(local.all_captions(), 300, 77), 77)
    plan = list(samples_of_steps([Portion(0, 7, 7)], 3, 5, 0, 4))
    for first, second in zip(train_loader(local, plan, collate, 0), train_loader(remote, plan, collate, 2), strict=True):
        assert torch.equal(first.mel, second.mel) and torch.equal(first.ids, second.ids)


def test_from_a_server_without_ranges_the_tar_is_copied_once(served, tmp_path):
    served.fault = "no ranges"
    clips = opened(served.address, tmp_path / "cache")
    served.asked.clear()
    assert [clips[0, i].key for i in range(7)] == [opened(served.root, tmp_path)[0, i].key for i in range(7)]
    assert served.of_tars() == []


def test_a_sample_that_arrives_incomplete_is_tried_four_times_and_then_broken(served, tmp_path):
    clips = opened(served.address, tmp_path / "cache")
    served.fault = "cut"
    served.asked.clear()
    with pytest.raises(BrokenSample, match=r"train-003 in http://.*0\.tar"):
        clips.example(0, 3)
    assert len(served.of_tars()) == 4
    served.fault = ""
    assert clips.example(0, 3).key == "train-003"


@pytest.mark.parametrize("now", ["shorter", "other", "cut in the sample"])
def test_a_shard_that_changes_during_a_run_gives_broken_samples_with_their_names(served, tmp_path, now):
    clips = opened(served.address, tmp_path / "cache")
    tar = served.root / "A" / "train" / "0.tar"
    content = tar.read_bytes()
    middle = clips.samples[4][1].audio_start + 100
    tar.write_bytes({"shorter": content[:4000], "other": os.urandom(len(content)), "cut in the sample": content[:middle]}[now])
    with pytest.raises(BrokenSample, match=r"train-004 in http://.*0\.tar: .*" + ("has the file changed" if "cut" in now else "")):
        clips.example(0, 4)


def test_a_shard_that_changed_between_runs_is_indexed_again(served, tmp_path):
    assert opened(served.address, tmp_path / "cache")[0, 0].captions[0] == "a hum"
    tar = served.root / "A" / "train" / "0.tar"
    shutil.copy(served.root / "A" / "train" / "1.tar", tar)
    (served.root / "A" / "train" / "sizes.json").write_text(json.dumps({"0.tar": 2, "1.tar": 2}))
    os.utime(tar, (1, 1))
    assert [member.key for _, member in opened(served.address, tmp_path / "cache").samples] == ["train-005", "train-006"] * 2


@pytest.mark.parametrize("fault", ["cut", "gone", "damaged"])
def test_shards_that_cannot_be_read_end_with_code_2(served, tmp_path, fault):
    write_split(served.root / "A" / "valid", 2)
    served.fault = fault
    if fault == "gone":
        served.server_close()
    if fault == "damaged":
        (served.root / "A" / "train" / "0.tar").write_bytes(b"junk" * 3000)
    words = ("--cache", tmp_path / "cache", "--set", "batch=4")
    code, _, error = call("fit", served.address, "--output", tmp_path / "run", *words)
    assert code == 2
    assert {"cut": "0.tar cannot be read", "gone": "cannot be read", "damaged": "0.tar is not a complete tar file"}[fault] in error
    assert not (tmp_path / "run").exists()


def test_a_run_on_remote_shards_has_the_losses_of_local_ones_also_when_resumed(served, tmp_path):
    run, local = trained()
    shutil.rmtree(served.root)
    shutil.copytree(local, served.root)
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "step-0000006.pt").unlink()  # as if it had stopped after step 3
    fit(served.address, TINY, replace(environment(tmp_path), cache=tmp_path / "other"), resume="yes")
    assert losses(tmp_path / "run") == losses(run)

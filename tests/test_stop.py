"""The first Ctrl-C finishes the shards in hand, the second ends at once; what is asked while no shard is made is refused."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.fates import appeared, build_into, make_fates, published
from tests.loopback import Loopback
from tests.test_resume import start, wait_until
from transforms.shards.stop import StoppedError, StopRequest


def test_a_request_is_heard_once_and_only_while_shards_are_made() -> None:
    stop = StopRequest()
    assert stop.ask() is None
    with pytest.raises(StoppedError), stop.heard(True), stop.shard() as may_be_made:
        assert may_be_made and stop.ask() == 1 and stop.ask() is None
        with stop.shard() as another:
            assert not another
    assert stop.ask() is None


def test_the_next_build_of_a_process_begins_without_the_request_of_the_last() -> None:
    stop = StopRequest()
    with pytest.raises(StoppedError), stop.heard(True):
        stop.ask()
    with stop.heard(True), stop.shard() as may_be_made:
        assert may_be_made


def test_an_engine_whose_workers_do_not_look_hears_nothing() -> None:
    stop = StopRequest()
    with stop.heard(False):
        assert stop.ask() is None


def test_a_failure_is_not_hidden_by_a_request() -> None:
    stop = StopRequest()
    with pytest.raises(OSError, match="disk"), stop.heard(True):
        stop.ask()
        raise OSError("disk")


def test_the_first_ctrl_c_leaves_whole_shards_and_the_next_build_makes_the_others(tmp_path: Path) -> None:
    recipe, output = make_fates(tmp_path / "in", n_good=48, shard_size=4), tmp_path / "out"
    process = start(recipe, output)
    wait_until(lambda: appeared(output, "*/train/*_stats.json"), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "finishing " in errors and "run the same command again" in errors and "Traceback" not in errors
    assert not appeared(output, ".work/*/*")
    build_into(output, recipe)
    build_into(tmp_path / "undisturbed", recipe)
    assert published(output) == published(tmp_path / "undisturbed")


def test_the_second_ctrl_c_does_not_wait_for_a_host_that_does_not_answer(tmp_path: Path, loopback: Loopback) -> None:
    (tmp_path / "clips.csv").write_text(f"id,url,caption\na,{loopback.url('/stall/a.wav')},Rain\n")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "stalls"\nallow_private = true\n[[sources]]\nsource = "table"\ndataset = "S"\npath = "clips.csv"\n')
    process = start(recipe, tmp_path / "out")
    wait_until(lambda: bool(loopback.n_requests["/stall/a.wav"]), process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    wait_until(lambda: "finishing 1 shard, then it stops; Ctrl-C again stops at once" in process.stderr.readline(), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and "run the same command again" in errors

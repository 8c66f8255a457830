"""The number of cores is of those that this process may run on, within the limits of its container."""

from pathlib import Path

import pytest

import pipeline.machine.cores as cores_module
from pipeline.machine.cores import cores, limit_of, n_cores


@pytest.mark.parametrize(
    ("allowed", "present", "expected"), [({0: {7, 2, 5}, 1: {0}}, 16, (2, 5, 7)), (None, 3, (0, 1, 2)), (None, None, (0,))]
)
def test_cores_are_those_that_this_process_may_run_on(allowed, present, expected, monkeypatch, tmp_path):
    monkeypatch.setattr(cores_module, "CGROUPS", tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: present)
    if allowed is None:
        monkeypatch.delattr("os.sched_getaffinity", raising=False)
    else:
        monkeypatch.setattr("os.sched_getaffinity", allowed.get, raising=False)
    assert cores() == expected
    assert n_cores() == len(expected)


def limits(root: Path, **groups: str) -> Path:
    for name, text in groups.items():
        group = root / name.replace("__", "/").strip("/")
        group.mkdir(parents=True, exist_ok=True)
        (group / "cpu.max").write_text(text)
    return root


def test_a_container_with_a_limit_counts_as_so_many_cores(tmp_path, monkeypatch):
    (tmp_path / "own").write_text("0::/\n")
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    monkeypatch.setattr(cores_module, "CGROUPS", tmp_path)
    monkeypatch.setattr(cores_module, "OWN_CGROUPS", tmp_path / "own")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {4, 5, 6, 7}, raising=False)
    assert cores() == (4, 5)


def test_the_smallest_limit_of_a_group_and_those_above_it_holds(tmp_path):
    limits(tmp_path, a="300000 100000\n", a__b="max 100000\n", a__b__c="500000 100000\n", d="100000 100000\n")
    assert limit_of(tmp_path, "0::/a/b/c\n") == 3


def test_a_path_of_the_machine_inside_a_container_does_not_hide_its_limit(tmp_path):
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    assert limit_of(tmp_path, "0::/kubepods/pod1/abc\n") == 2


@pytest.mark.parametrize(("quota", "expected"), [("250000", 3), ("-1", None)])
def test_limits_of_version_1_are_read(tmp_path, quota, expected):
    group = tmp_path / "cpu,cpuacct" / "job"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (group / "cpu.cfs_period_us").write_text("100000\n")
    assert limit_of(tmp_path, "4:memory:/job\n3:cpu,cpuacct:/job\n0::/\n") == expected


@pytest.mark.parametrize("text", ["", "max", "many 100000", "1 2 3", "0 100000", "100000 0"])
def test_a_file_that_cannot_be_read_is_no_limit(tmp_path, text):
    (tmp_path / "cpu.max").write_text(text)
    assert limit_of(tmp_path, "0::/\n") is None

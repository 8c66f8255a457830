"""Options choose Spark and the way to it; what cannot work is refused with its remedy; Spark's own names are honoured."""

import json

import pytest

from pipeline.engines.boot import NEEDS
from pipeline.engines.spark import faults
from pipeline.engines.spark_options import (
    WORKER,
    SparkSettings,
    beam_options,
    is_ours,
    is_stock,
    option_faults,
    read_options,
    submit_command,
    worker_script,
)
from pipeline.output.storage import Folder

STOCK = [
    ["--spark_master_url=local[2]"],
    ["--spark_submit_uber_jar", "--spark_rest_url=http://host:6066", "--spark_job_server_jar=x.jar"],
    ["--job_endpoint", "localhost:8099"],
]


@pytest.mark.parametrize("options", STOCK)
def test_the_ways_of_beam_are_not_ours(options, tmp_path):
    assert is_stock(options) and not is_ours(options)
    assert list(faults(options, Folder(str(tmp_path)), None)) == []


def test_spark_without_a_master_is_refused_with_the_addresses_that_are_allowed(tmp_path):
    (fault,) = faults(["--environment_type=PROCESS"], Folder(str(tmp_path)), None)
    assert "--spark_master" in fault and "spark://HOST:PORT" in fault and "yarn" in fault


@pytest.mark.parametrize("options", [("--spark_master=yarn", "--x=1"), ("--spark_master", "yarn", "--x=1")])
def test_options_of_others_stay_for_beam(options):
    settings = read_options([*options, "--spark_conf", "spark.a=1", "--spark_conf=spark.b=x=y"])
    assert settings == SparkSettings("yarn", ("spark.a=1", "spark.b=x=y"), ("--x=1",))
    assert settings.settings == {"spark.a": "1", "spark.b": "x=y"}


def test_an_option_without_its_value_is_refused(tmp_path):
    (fault,) = faults(["--spark_master"], Folder(str(tmp_path)), None)
    assert "--spark_master" in fault


@pytest.mark.parametrize(
    "master", ["local", "local[2]", "local[*]", "spark://host:7077", "spark://a:1,b:2", "yarn", "k8s://https://host:443"]
)
def test_every_kind_of_master_is_accepted(master):
    assert list(option_faults(SparkSettings(master))) == []


@pytest.mark.parametrize("master", ["", "host:7077", "spark://host", "http://host:8080", "mesos://host:5050", "local[2", "spark://a:1;rm"])
def test_what_is_no_master_is_refused(master):
    (fault,) = option_faults(SparkSettings(master))
    assert repr(master) in fault and "spark://HOST:PORT" in fault


@pytest.mark.parametrize(
    ("pair", "named"),
    [
        ("executor.memory=4g", "spark.NAME=VALUE"),
        ("spark.executor.memory", "spark.NAME=VALUE"),
        ("spark.submit.deployMode=cluster", "only client works"),
        ("spark.master=yarn", "--spark_master yarn"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(pair, named):
    (fault,) = option_faults(SparkSettings("yarn", (pair,)))
    assert named in fault


def test_the_command_is_the_same_for_every_cluster_but_for_its_master(tmp_path):
    commands = [submit_command(SparkSettings(master), tmp_path, tmp_path / "x.jar", tmp_path, 7) for master in ("yarn", "spark://h:1")]
    assert [part for part in commands[0] if part != "yarn"] == [part for part in commands[1] if part != "spark://h:1"]
    assert commands[0][-3:] == [str(tmp_path / "x.jar"), str(tmp_path), "7"]
    assert commands[0][commands[0].index("--deploy-mode") + 1] == "client"


def test_settings_of_the_user_replace_ours(tmp_path):
    settings = SparkSettings("yarn", ("spark.plugins=mine", "spark.executor.memory=4g"))
    command = submit_command(settings, tmp_path, tmp_path, tmp_path, 1)
    assert "spark.plugins=mine" in command and "spark.executor.memory=4g" in command
    assert "spark.plugins=laionaudio.FreshWorkers" not in command
    assert "spark.plugins=laionaudio.FreshWorkers" in submit_command(SparkSettings("yarn"), tmp_path, tmp_path, tmp_path, 1)


def test_workers_are_processes_on_a_cluster_and_threads_of_this_process_on_a_local_master():
    of_cluster = dict(option.split("=", 1) for option in beam_options(SparkSettings("yarn"), "Python 3"))
    assert of_cluster["--environment_type"] == "PROCESS"
    assert json.loads(of_cluster["--environment_config"]) == {"command": f"./{WORKER}", "env": {NEEDS: "Python 3"}}
    assert int(of_cluster["--environment_cache_millis"]) > 0
    assert beam_options(SparkSettings("local[2]"), "") == ["--environment_type=LOOPBACK", "--environment_cache_millis=0"]


def test_options_for_beam_that_are_given_stay_as_they_are():
    given = ("--environment_type=DOCKER", "--environment_config=image", "--environment_cache_millis=5")
    assert beam_options(SparkSettings("yarn", (), given), "") == list(given)


def test_the_python_of_workers_is_named_as_users_of_pyspark_name_it(monkeypatch):
    monkeypatch.setattr("sys.executable", "/here/python")
    named = SparkSettings("yarn", ("spark.pyspark.python=/conf/python",))
    assert named.worker_python({"PYSPARK_PYTHON": "/env/python"}) == "/conf/python"
    assert SparkSettings("yarn").worker_python({"PYSPARK_PYTHON": "/env/python"}) == "/env/python"
    assert SparkSettings("yarn").worker_python({}) == "/here/python"


def test_the_script_of_a_worker_takes_a_path_with_blanks_and_passes_its_arguments_on():
    script = worker_script("/a b/python")
    assert script.startswith("#!/bin/sh\nexec '/a b/python' -m pipeline.engines.boot \"$@\"")

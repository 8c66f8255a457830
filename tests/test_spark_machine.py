"""What this machine lacks to submit a Spark job is named with its remedy before anything runs."""

import socket

import pytest

from pipeline.engines.spark_machine import java_version, machine_faults
from pipeline.engines.spark_options import SparkSettings


def faults(master: str = "yarn") -> str:
    return "\n".join(machine_faults(SparkSettings(master)))


def make_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def complete(tmp_path, monkeypatch):
    """A machine that has everything: a folder of Spark, Java 17, the jar."""
    make_program(tmp_path / "spark" / "bin" / "spark-submit", "exit 0")
    (tmp_path / "spark" / "jars").mkdir()
    (tmp_path / "spark" / "jars" / "spark-core_2.12-3.5.8.jar").touch()
    make_program(tmp_path / "java" / "bin" / "java", "echo 'openjdk version \"17.0.15\"' >&2")
    (tmp_path / "x.jar").touch()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path / "spark"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    monkeypatch.setattr("pipeline.engines.spark_machine.jar_path", lambda: tmp_path / "x.jar")
    return tmp_path


def test_a_complete_machine_has_no_faults(complete):
    assert faults() == ""


def test_a_missing_spark_is_named(complete, monkeypatch):
    monkeypatch.setenv("SPARK_HOME", "/nowhere")
    assert "no bin/spark-submit in /nowhere" in faults()
    monkeypatch.delenv("SPARK_HOME")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'laion-audio[spark]'" in faults()


def test_a_spark_that_beam_cannot_use_is_named(complete):
    (complete / "spark" / "jars" / "spark-core_2.12-3.5.8.jar").rename(complete / "spark" / "jars" / "spark-core_2.13-4.0.0.jar")
    assert "is not Spark 3 for Scala 2.12" in faults()


def test_a_missing_java_and_one_of_another_version_are_named(complete, monkeypatch):
    make_program(complete / "java" / "bin" / "java", "echo 'java version \"1.8.0_402\"' >&2")
    assert "is Java 8; Spark 3.5 needs Java 11 or 17" in faults()
    (complete / "java" / "bin" / "java").unlink()
    assert "Spark needs Java 11 or 17: install it" in faults()


def test_a_jar_that_is_not_made_yet_is_named_with_the_command_that_makes_it(complete):
    (complete / "x.jar").unlink()
    assert "-m pipeline.engines.spark_jar" in faults()


def test_a_master_that_does_not_answer_is_named(complete):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert faults(f"spark://127.0.0.1:{port}") == faults(f"spark://127.0.0.1:1,127.0.0.1:{port}") == ""
    assert f"no Spark master answers at spark://127.0.0.1:{port}" in faults(f"spark://127.0.0.1:{port}")
    assert "no Spark master answers at spark://127.0.0.1:99999" in faults("spark://127.0.0.1:99999")


@pytest.mark.parametrize(
    ("text", "version"), [('openjdk version "21" 2023-09-19', 21), ('java version "11.0.2"', 11), ("no Java here", None)]
)
def test_versions_of_java_are_read_in_the_forms_it_prints(text, version):
    assert java_version(text) == version

"""What cannot work on an engine is refused with the remedy, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from apache_beam.runners.runner import PipelineRunner

from pipeline.command import main
from pipeline.engines.refusals import REFUSED, faults_of_command, faults_of_folder, standard_name
from pipeline.engines.run import OWN, Engine, open_engine
from pipeline.output.storage import Folder

SPARK = ("--spark_master=spark://far:7077",)


def of_folder(runner: str, root: str, *options: str, mounts: str = "/dev/a / ext4 rw 0 0\nnas:/x /mnt nfs4 rw 0 0\n") -> list[str]:
    return list(faults_of_folder(runner, options, Folder(root), None, mounts))


@pytest.mark.parametrize("name", [*REFUSED, "daskrunner", "apache_beam.runners.dask.dask_runner.DaskRunner"])
def test_runners_known_to_be_wrong_are_refused_under_every_name(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^--runner {standard_name(name)}: .*; (use|a)") as caught:
        open_engine(name, None, ())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["local", "Local", "directrunner", "SwitchingDirectRunner", "BundleBasedDirectRunner", "FnApiRunner"])
def test_every_name_of_a_runner_on_this_machine_means_the_local_engine(name: str) -> None:
    engine = open_engine(name, 2, ("--direct_num_workers=2",))
    assert type(engine._empty(one_worker=False).runner).__name__ == "FnApiRunner" and not engine.is_remote


def test_a_runner_that_is_misspelt_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"did you mean SparkRunner\?"):
        open_engine("SparkRuner", None, ())


@pytest.mark.parametrize("name", ["", " ", "os.path", "collections.OrderedDict", "collections.nothing", ".", "..", "apache_beam.Pipeline"])
def test_what_is_no_runner_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ValueError, match=r"^--runner .*(; give local, DataflowRunner, .*|correct the name)$") as caught:
        open_engine(name, None, ())
    assert not any(refused in str(caught.value) for refused in REFUSED)


def test_a_runner_of_the_user_is_opened() -> None:
    assert open_engine("apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner", None, ()).runner == "FnApiRunner"
    assert open_engine("tests.test_refusals.OwnRunner", None, ()).runner == "tests.test_refusals.OwnRunner"


class OwnRunner(PipelineRunner):
    """A runner as users write it."""


def test_a_number_of_workers_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        open_engine("local", None, ("--direct_num_workers", "-3"))


def test_runners_are_taken_in_any_case_and_get_our_modules() -> None:
    assert open_engine("sparkrunner", None, ()).runner in OWN
    assert open_engine("apache_beam.runners.dataflow.dataflow_runner.DataflowRunner", None, ()).runner in OWN


def test_threads_of_the_local_engine_are_refused_for_other_engines() -> None:
    assert list(faults_of_command("SparkRunner", 3, (), OWN)) == [
        "--workers 3: it is the number of threads of --runner local; leave it out, SparkRunner has options of its own"
    ]


@pytest.mark.parametrize(
    ("runner", "root", "options", "fault"),
    [
        ("local", "/data/set", (), ""),
        ("SparkRunner", "/data/set", ("--spark_master=local[2]",), ""),
        ("SparkRunner", "/data/set", SPARK, "workers of SparkRunner run on others (spark://far:7077)"),
        ("SparkRunner", "/mnt/set", SPARK, ""),
        ("SparkRunner", "memory://bucket/set", SPARK, ""),
        (
            "PortableRunner",
            "/data/set",
            ("--job_endpoint=far:8099", "--environment_type=PROCESS"),
            "give as the output folder a gs:// or s3:// address, or a folder on a network file system",
        ),
        ("DataflowRunner", "/mnt/set", ("--temp_location=gs://b/t",), "give as the output folder a gs:// or s3:// address"),
        ("DataflowRunner", "memory://bucket/set", (), "needs a bucket for its own files; give --temp_location=gs://BUCKET/FOLDER"),
        ("DataflowRunner", "memory://bucket/set", ("--temp_location", "gs://b/t"), ""),
    ],
)
def test_an_output_folder_that_workers_do_not_see_is_refused(runner: str, root: str, options: tuple[str, ...], fault: str) -> None:
    named = of_folder(runner, root, *options)
    assert named == [] if not fault else len(named) == 1 and fault in named[0]


def test_an_engine_says_whether_its_workers_see_this_disk() -> None:
    assert Engine("SparkRunner", options=SPARK).is_remote and Engine("DataflowRunner").is_remote
    assert not Engine("SparkRunner", options=("--spark_master=local[2]",)).is_remote


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--runner", "DaskRunner"], "it loses rows"),
        (["--flac_level", "3"], "neither laion-audio nor --runner local has such an option"),
        (["--direct_num_worker", "2"], "did you mean --direct_num_workers?"),
        (["--runner", "DataflowRunner", "--temp_location=gs://b/t"], "workers of DataflowRunner run on others"),
        (["--runner", "FlinkRunner", "--job_endpoint=localhost:1"], "no job service answers"),
    ],
)
def test_a_build_that_cannot_work_ends_with_exit_2_and_touches_nothing(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.engines.job_service.described_options.__defaults__", (0.05,))
    assert main(["build", "quickstart", "--output", str(tmp_path / "out"), *arguments]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()

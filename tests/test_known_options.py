"""Options that a runner would drop or misread are named before anything runs, with the nearest option that it reads."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.engines.known_options import option_faults
from pipeline.engines.run import OWN
from pipeline.parser import options_of_verbs


def faults(runner: str, *options: str, described: Mapping[str, type] | None = None) -> list[str]:
    return list(option_faults(runner, options, OWN, options_of_verbs(), described))


@pytest.mark.parametrize(
    ("runner", "options"),
    [
        ("local", ["--direct_num_workers=2"]),
        ("local", ["--direct_running_mode", "multi_processing", "--direct_num_workers", "2"]),
        ("local", ["--no_pipeline_type_check", "--profile_cpu"]),
        ("local", ["--experiments=a", "--experiments", "b"]),
        ("DataflowRunner", ["--project=p", "--region", "r", "--num_workers=3", "--disk_size_gb", "30", "--dry_run=True"]),
        ("DataflowRunner", ["--setup_file=./setup.py", "--sdk_container_image=i", "--environment_type=DOCKER"]),
        ("SparkRunner", ["--spark_master_url=local[2]", "--environment_type=LOOPBACK"]),
        ("SparkRunner", ["--spark_master=yarn", "--spark_conf", "spark.executor.memory=4g", "--storage_level=MEMORY_ONLY"]),
        ("SparkRunner", ["--spark_master_url=yarn", "--checkpoint_dir=/x"]),
        ("FlinkRunner", ["--flink_master=[local]", "--parallelism", "2", "--state_backend=rocksdb"]),
        ("PrismRunner", ["--prism_location=prism", "--environment_type=LOOPBACK"]),
        ("my.module.MyRunner", ["--project=p"]),
    ],
)
def test_options_that_a_runner_reads_have_no_fault(runner: str, options: list[str]) -> None:
    assert faults(runner, *options) == []


@pytest.mark.parametrize(
    ("runner", "option", "fault"),
    [
        ("local", "--flac_level=3", "--flac_level: neither laion-audio nor --runner local has such an option"),
        ("local", "--direct_num_worker=2", "did you mean --direct_num_workers?"),
        ("local", "--direct-num-workers=2", "did you mean --direct_num_workers?"),
        ("local", "--wokers=2", "did you mean --workers?"),
        ("local", "--outputt=2", "did you mean --output?"),
        (
            "local",
            "-direct_num_workers=2",
            "-direct_num_workers: options for Beam begin with two dashes; did you mean --direct_num_workers?",
        ),
        ("local", "-j", "-j: options for Beam begin with two dashes"),
        ("local", "--num_workers=2", "an option of DataflowRunner; --runner local does not read it; did you mean --workers?"),
        ("local", "--spark_master=x", "an option of SparkRunner; --runner local does not read it"),
        ("local", "--spark_master_url=x", "an option of SparkRunner"),
        ("local", "--environment_type=LOOPBACK", "an option of engines on other machines"),
        ("local", "--dry_run=True", "an option of DataflowRunner"),
        ("DataflowRunner", "--regoin=x", "did you mean --region?"),
        ("DataflowRunner", "--workerMachineType=x", "did you mean --worker_machine_type?"),
        ("DataflowRunner", "--direct_num_workers=2", "an option of local; --runner DataflowRunner does not read it"),
        ("SparkRunner", "--flink_master=x", "an option of FlinkRunner"),
        ("SparkRunner", "--spark_master_ulr=x", "did you mean --spark_master_url?"),
        ("PrismRunner", "--prism_locaton=x", "did you mean --prism_location?"),
        ("my.module.MyRunner", "--flac_level=3", "neither laion-audio nor --runner my.module.MyRunner has such an option"),
    ],
)
def test_an_option_that_a_runner_would_drop_is_named_with_the_nearest(runner: str, option: str, fault: str) -> None:
    assert len(named := faults(runner, option)) == 1
    assert named[0].startswith(f"{option.partition('=')[0]}: ") and fault in named[0]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--direct_num_workers=abc"], "--direct_num_workers: invalid int value: 'abc'"),
        (["--direct_num_workers", "1.5"], "--direct_num_workers: invalid int value: '1.5'"),
        (["--direct_num_workers"], "--direct_num_workers: expected one argument"),
        (["--direct_running_mode=threads"], "--direct_running_mode: invalid choice: 'threads'"),
        (["--direct_num_workers=2", "stray"], "unexpected argument 'stray'"),
        (["--direct_num_workers", "-1"], ""),
    ],
)
def test_the_value_of_an_option_is_checked_too(options: list[str], fault: str) -> None:
    named = faults("local", *options)
    assert named == [] if not fault else len(named) == 1 and named[0].startswith(fault)


def test_beside_our_way_to_spark_every_option_is_known() -> None:
    assert len(faults("SparkRunner", "--spark_master=yarn", "--flac_level=3")) == 1
    assert faults("SparkRunner", "--spark_master_url=yarn", "--flac_level=3") == [], "its job server may know it"


def test_every_wrong_option_has_a_line() -> None:
    assert [line.partition(":")[0] for line in faults("local", "--a=1", "--b", "2", "--direct_num_workers=2", "-c")] == ["--a", "--b", "-c"]


def test_what_a_job_service_lists_is_known_with_its_type() -> None:
    listed = {"--parallel_shards": int, "--store_level": str}
    assert faults("PortableRunner", "--parallel_shards=2", "--store_level=x", described=listed) == []
    assert faults("PortableRunner", "--parallel_shards=x", described=listed) == ["--parallel_shards: invalid int value: 'x'"]
    assert "did you mean --parallel_shards?" in faults("PortableRunner", "--parallel_shard=2", described=listed)[0]
    assert faults("FlinkRunner", "--not_listed=2", described=listed) != [], "its service lists all"


def test_options_that_our_engines_define_are_those_of_their_runners() -> None:
    def add(parser: object) -> None:
        parser.add_argument("--sample_option", type=int)  # type: ignore[attr-defined]

    made = type("SampleOptions", (PipelineOptions,), {"__module__": OWN["SparkRunner"], "_add_argparse_args": staticmethod(add)})
    assert faults("SparkRunner", "--sample_option=2") == []
    assert "an option of SparkRunner; --runner local does not read it" in faults("local", "--sample_option=2")[0]
    assert "did you mean --sample_option?" in faults("SparkRunner", "--sample_optoin=2")[0]
    assert made in PipelineOptions.__subclasses__()

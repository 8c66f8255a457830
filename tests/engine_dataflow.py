"""The jobs that a build sends to Dataflow: what is in them, how large they are, and that they give the bytes of a local build.

Needs `apache-beam[gcp]`, gcsfs and gcp-storage-emulator: `python -m pytest tests/engine_dataflow.py`, as `make engines` does. The jobs are
made by Beam's own runner for Dataflow, without an account. They run on this machine, by Beam's local engine, over an emulator of
Google's store; while they run, the folder of the recipe has another name, as on a machine that does not have it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import apache_beam as beam
import fsspec
import pytest
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import DebugOptions, PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from fsspec.config import set_conf_env
from gcp_storage_emulator.server import create_server

from pipeline.engines.dataflow import ONE_PROCESS, open_pipeline
from pipeline.engines.dataflow_template import MAX_BYTES, OFFLINE, describe_build, main
from pipeline.engines.run import Engine
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import ShardId
from pipeline.verbs.build import build
from pipeline.verbs.current_plan import current_plan, standing_snapshot
from tests.fates import make_fates, published, unwatched
from tests.object_store import hidden, published_there
from tests.test_dataflow import Handler
from transforms.shards.shard_task import ShardTask

IMAGE = "europe-docker.pkg.dev/project/laion/laion-audio:0.1.0"
OPTIONS = ("--project=my-project", "--region=europe-west4", "--temp_location=gs://bucket/tmp", f"--sdk_container_image={IMAGE}")
EMBEDDED = "beam:env:embedded_python:v1"
OUTPUT = "gs://bucket/out"
ACCOUNT = {"FSSPEC_GS_TOKEN": "anon", "FSSPEC_GS_PROJECT": "test", "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
"""Names in the environment: no key, and no requests by gRPC, which the emulator does not answer."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    """Start an emulator of Google's store with an empty bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="bucket")
    server.start()
    address = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ACCOUNT.items():
            patch.setenv(name, value)
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        set_conf_env(fsspec.config.conf)
        yield address
        fsspec.config.conf.pop("gs")
    server.stop()


@dataclass(frozen=True, slots=True)
class JobsOfDataflow(Engine):
    """An engine that makes the jobs for Dataflow and runs them here, without the folder `hidden`."""

    hidden: Path = Path()

    @property
    def is_remote(self) -> bool:
        """Whether workers run on other machines."""
        return True

    def run(self, add_steps: Callable[[beam.Pipeline], object], one_worker: bool = False) -> None:
        """Run a pipeline as its job says."""
        pipeline = open_pipeline("DataflowRunner", [*OPTIONS, *OFFLINE])
        add_steps(pipeline)
        result: Any = pipeline.run()
        job = result.job.proto_pipeline
        for environment in job.components.environments.values():
            environment.urn = EMBEDDED
        with hidden(self.hidden):
            FnApiRunner().run_via_runner_api(job, PipelineOptions([])).wait_until_finish()


def test_the_jobs_of_a_build_give_the_bytes_of_a_local_build_without_any_path_of_the_user(emulator, tmp_path):
    recipe = make_fates(tmp_path / "in")
    settings, folder = load_recipe(str(recipe)), Folder(OUTPUT)
    engine = JobsOfDataflow("DataflowRunner", hidden=tmp_path / "in")
    current_plan(settings, standing_snapshot(folder), None, engine)
    outcome = build(settings, folder, None, engine, unwatched)
    build(settings, Folder(str(tmp_path / "out")), None, Engine(), unwatched)
    here = published(tmp_path / "out")
    assert outcome.missing == () and published_there(OUTPUT) == here and len(here) > 8


def tasks(n: int) -> list[ShardTask]:
    """Return tasks of shards whose hashes are random, so that they cannot be packed."""
    return [ShardTask(ShardId("Dataset", "train", k), sha256(b"%d" % k).hexdigest(), sha256(b"i%d" % k).hexdigest(), 512) for k in range(n)]


def job_of(n_shards: int) -> beam_runner_api_pb2.Pipeline:
    return describe_build(load_recipe("quickstart"), Folder(OUTPUT), tasks(n_shards), OPTIONS)


@pytest.mark.parametrize("n_shards", [5_000, 50_000])
def test_a_job_of_many_shards_is_far_smaller_than_dataflow_takes(n_shards):
    n_bytes = job_of(n_shards).ByteSize()
    print(f"{n_shards} shards: {n_bytes} bytes")
    assert n_bytes < MAX_BYTES / 5


def test_a_job_has_the_image_of_the_user_and_no_state_of_the_session():
    job = job_of(3)
    environments = job.components.environments.values()
    assert {environment.urn for environment in environments} == {"beam:env:docker:v1"}
    assert all(IMAGE.encode() in environment.payload for environment in environments)
    assert not [artifact for environment in environments for artifact in environment.dependencies if b"session" in artifact.role_payload]
    names = {transform.unique_name for transform in job.components.transforms.values()}
    assert {name.partition("/")[0] for name in names if name} >= {"Tasks", "BuildShards"}


def test_a_job_holds_no_path_of_this_machine_but_that_of_the_recipe():
    data = job_of(3).SerializeToString()
    assert str(Path.home()).encode() + b"/.cache" not in data and b"laion-audio-" not in data


@pytest.mark.parametrize("has_model", [True, False])
def test_a_job_with_a_model_has_one_process_a_machine(has_model):
    pipeline = open_pipeline("DataflowRunner", [*OPTIONS, *OFFLINE])
    numbers = pipeline | beam.Create([1])
    if has_model:
        _ = numbers | RunInference(Handler())
    pipeline.run()
    assert (ONE_PROCESS in (pipeline.options.view_as(DebugOptions).experiments or [])) is has_model


def test_the_template_is_written_without_network_and_a_fault_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("CLOUDSDK_COMPUTE_REGION", raising=False)
    job = tmp_path / "job.json"
    assert main(["quickstart", "--output", OUTPUT, "--job", str(job), "--limit", "5", *OPTIONS]) == 0
    assert '"urn": "beam:env:docker:v1"' in job.read_text() and "nothing was sent" in capsys.readouterr().out
    assert main(["quickstart", "--output", OUTPUT, "--job", str(job)]) == 2
    lines = capsys.readouterr().err
    assert "--project" in lines and "--region" in lines and "--sdk_container_image" in lines

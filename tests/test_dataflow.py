"""What cannot work on Dataflow is refused with a remedy before anything is sent; the options of the user win over ours."""

from __future__ import annotations

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.ml.inference.base import ModelHandler, RunInference

from pipeline.engines.dataflow import DEFAULTS, faults, has_model, with_defaults
from pipeline.output.storage import Folder
from tests.object_store import object_store
from tests.pipeline_building import empty_pipeline
from tests.recipes import make_folder, recipe_of

ALL = {
    "project": "my-project",
    "region": "europe-west4",
    "temp_location": "gs://bucket/tmp",
    "sdk_container_image": "europe-docker.pkg.dev/p/r/laion-audio:1",
}
OUTPUT = Folder("gs://bucket/out")


def given(**changes: str | None) -> list[str]:
    return [f"--{name}={value}" for name, value in (ALL | changes).items() if value is not None]


def test_a_complete_command_has_no_fault():
    assert list(faults(given(), OUTPUT, None)) == []


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"project": None}, "--project=my-project"),
        ({"region": None}, "--region=europe-west4"),
        ({"temp_location": None}, "--temp_location=gs://bucket/tmp"),
        ({"temp_location": "/tmp/x"}, "give a folder of a bucket"),
        ({"staging_location": "s3://bucket/x"}, "give a folder of a bucket"),
        ({"sdk_container_image": None}, "Dockerfile"),
        ({"template_location": "gs://bucket/t"}, "make dataflow-template"),
        ({"dry_run": "True"}, "make dataflow-template"),
        ({"sdk_location": "/beam.tar.gz"}, "leave it out"),
        ({"num_workers": "9", "max_num_workers": "4"}, "give at most as many"),
        ({"autoscaling_algorithm": "NONE"}, "give the number of machines"),
        ({"requirements_file": "r.txt"}, "put them into the image"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_option_that_cannot_work_is_one_line_with_its_remedy(changes, remedy, monkeypatch):
    monkeypatch.delenv("CLOUDSDK_COMPUTE_REGION", raising=False)
    lines = list(faults(given(**changes), OUTPUT, None))
    assert len(lines) == 1 and remedy in lines[0]


def test_a_region_of_the_environment_and_a_package_instead_of_an_image_are_enough(monkeypatch):
    monkeypatch.setenv("CLOUDSDK_COMPUTE_REGION", "europe-west4")
    assert list(faults(given(region=None, sdk_container_image=None, setup_file="./setup.py"), OUTPUT, None)) == []


def test_files_of_a_recipe_that_are_not_copied_are_refused(tmp_path):
    folder = make_folder(tmp_path)
    lines = list(faults(given(), OUTPUT, recipe_of(folder, '[youtube]\ncookies = "c.txt"')))
    assert len(lines) == 1 and "youtube.cookies = 'c.txt'" in lines[0]
    (tmp_path / "t5").mkdir()
    recipe = recipe_of(folder, 'captions = "t5"\n[t5]\nmodel = "t5"')
    with object_store() as store:
        lines = list(faults(given(), OUTPUT, recipe))
        assert len(lines) == 1 and "t5.model = 't5'" in lines[0] and "plan here" in lines[0]
        store.pipe("/bucket/out/plan/plan.json", b"{}")
        assert list(faults(given(), OUTPUT, recipe)) == []
    assert list(faults(given(), OUTPUT, recipe_of(folder))) == []


def test_every_option_of_the_user_is_taken_and_the_others_have_defaults():
    assert set(with_defaults([])) == {f"--{name}={value}" for name, value in DEFAULTS.items()} | {"--no_save_main_session"}
    assert "--no_save_main_session" not in with_defaults(["--save_main_session"])
    mine = ["--machine_type=c3-standard-8", "--disk_size_gb", "200", "--sdk_location=default", "--max_num_workers=3"]
    assert with_defaults(mine)[: len(mine)] == mine
    names = [option.partition("=")[0] for option in with_defaults(mine)]
    assert len([name for name in names if name.startswith("--")]) == len({name for name in names if name.startswith("--")})


@pytest.mark.parametrize(
    ("option", "left_out"),
    [
        ("--worker_machine_type=n2-standard-8", "--machine_type"),
        ("--num_workers=50", "--max_num_workers"),
        ("--autoscaling_algorithm=NONE", "--max_num_workers"),
        ("--setup_file=./setup.py", "--sdk_location"),
    ],
)
def test_no_default_contradicts_an_option_of_the_user(option, left_out):
    assert not any(other.startswith(left_out) for other in with_defaults([option]))


class Handler(ModelHandler):
    def load_model(self) -> None: ...

    def run_inference(self, batch, model, inference_args=None):
        return batch


def test_a_pipeline_with_a_model_differs_from_one_without():
    with empty_pipeline() as pipeline:
        numbers = pipeline | beam.Create([np.zeros(1)])
        assert not has_model(pipeline)
        _ = numbers | RunInference(Handler())
        assert has_model(pipeline)

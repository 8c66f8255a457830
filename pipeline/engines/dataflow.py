"""Run pipelines on Dataflow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import DebugOptions, GoogleCloudOptions, PipelineOptions, SetupOptions, WorkerOptions
from apache_beam.options.pipeline_options import TestOptions as DryRunOptions  # pytest takes a name that begins so for tests
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor

from pipeline.output.layout import INDEX, PLAN

if TYPE_CHECKING:
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe

DEFAULTS = {
    "sdk_location": "container",  # the image has Beam: nothing is downloaded when a worker starts
    "machine_type": "n2-standard-4",
    "disk_size_gb": "50",
    "autoscaling_algorithm": "THROUGHPUT_BASED",
    "max_num_workers": "20",
}
"""Options of Dataflow that the user has not given -> their values."""
NO_SESSION = "no_save_main_session"
"""Beam would pickle what is in `__main__` for workers, on Dataflow alone; all functions here are in modules that the image has."""
ONE_PROCESS = "no_use_multiple_sdk_containers"
"""Without it Dataflow starts a Python process for each core, and each would hold the T5."""
REGION = "CLOUDSDK_COMPUTE_REGION"  # where Beam looks for a region
IMAGE = "build one from the Dockerfile of this project and give --sdk_container_image=REGISTRY/IMAGE:TAG, or give --setup_file=./setup.py"
NOTHING_RUNS = "it makes a description of a job, and builds nothing; `make dataflow-template` does that, leave it out of a build"


class DataflowPipeline(beam.Pipeline):
    """A pipeline that gets, when it runs, the options that its steps need."""

    def run(self, test_runner_api: Any = "AUTO") -> Any:
        """Run the pipeline; with a T5 in it, one Python process a worker is enough."""
        debug = self._options.view_as(DebugOptions)
        if has_model(self) and not debug.lookup_experiment("use_multiple_sdk_containers"):
            debug.add_experiment(ONE_PROCESS)
        return super().run(test_runner_api)


def open_pipeline(runner: str, options: Sequence[str]) -> beam.Pipeline:
    """Return an empty pipeline that runs on Dataflow. Options of the user are taken as they are, the others as in `DEFAULTS`."""
    return DataflowPipeline(options=PipelineOptions([f"--runner={runner}", *with_defaults(options)]))


def with_defaults(options: Sequence[str]) -> list[str]:
    """Return options with those of `DEFAULTS` that are not given; other defaults of a group that contradict a given option are left out.

    >>> with_defaults(["--sdk_location=default", "--num_workers", "3", "--autoscaling_algorithm=NONE"])[:4]
    ['--sdk_location=default', '--num_workers', '3', '--autoscaling_algorithm=NONE']
    """
    given = {option.lstrip("-").partition("=")[0] for option in options if option.startswith("--")}
    left_out = set(given)
    if "worker_machine_type" in given:
        left_out.add("machine_type")
    if "num_workers" in given or "autoscaling_algorithm" in given:
        left_out |= {"autoscaling_algorithm", "max_num_workers"}
    if {"setup_file", "extra_package", "extra_packages"} & given and "sdk_container_image" not in given:
        left_out.add("sdk_location")
    session = [] if {"save_main_session", NO_SESSION} & given else [f"--{NO_SESSION}"]
    return [*options, *(f"--{name}={value}" for name, value in DEFAULTS.items() if name not in left_out), *session]


def has_model(pipeline: beam.Pipeline) -> bool:
    """Return whether a pipeline has a step that loads a model."""
    visitor = _ModelFinder()
    pipeline.visit(visitor)
    return visitor.has_model


class _ModelFinder(PipelineVisitor):
    has_model = False

    def enter_composite_transform(self, transform_node: AppliedPTransform) -> None:
        self.has_model = self.has_model or isinstance(transform_node.transform, RunInference)


def faults(options: Sequence[str], folder: Folder, recipe: BuildRecipe | None) -> Iterator[str]:
    """Yield a line with the remedy for everything that cannot work. The output folder is checked for all remote engines alike."""
    parsed = PipelineOptions(list(options))
    cloud, workers, setup = parsed.view_as(GoogleCloudOptions), parsed.view_as(WorkerOptions), parsed.view_as(SetupOptions)
    if not cloud.project:
        yield "--project: none given; give the id of a project of Google Cloud, as in --project=my-project"
    if not cloud.region and not os.environ.get(REGION):
        yield "--region: none given; give the region of your bucket, as in --region=europe-west4: there is no default"
    if not (cloud.temp_location or cloud.staging_location) and folder.root.startswith("gs://"):
        yield f"--temp_location: none given; give a folder of a bucket, as in --temp_location={_bucket(folder.root)}/tmp"
    for name, value in (("temp_location", cloud.temp_location), ("staging_location", cloud.staging_location)):
        if value and not value.startswith("gs://"):
            yield f"--{name}={value}: Dataflow reads gs:// only; give a folder of a bucket"
    if not workers.sdk_container_image and not setup.setup_file and not setup.extra_packages:
        yield f"--sdk_container_image: none given, and workers need this package; {IMAGE}"
    for name, is_given in (("template_location", cloud.template_location), ("dry_run", parsed.view_as(DryRunOptions).dry_run)):
        if is_given:
            yield f"--{name}: {NOTHING_RUNS}"
    yield from _contradictions(workers, setup)
    if recipe is not None:
        yield from _recipe_faults(recipe, folder)


def _contradictions(workers: WorkerOptions, setup: SetupOptions) -> Iterator[str]:
    """Yield a line for options that cannot be together."""
    if workers.sdk_container_image and setup.sdk_location not in ("default", "container"):
        yield f"--sdk_location={setup.sdk_location}: the image of --sdk_container_image has Beam; leave it out"
    if workers.num_workers and workers.max_num_workers and workers.num_workers > workers.max_num_workers:
        yield f"--num_workers={workers.num_workers}: more than --max_num_workers={workers.max_num_workers}; give at most as many"
    if workers.autoscaling_algorithm == "NONE" and not workers.num_workers:
        yield "--autoscaling_algorithm=NONE: needs --num_workers; give the number of machines, or leave it out"
    if setup.requirements_file:
        yield f"--requirements_file={setup.requirements_file}: workers would download its packages at every start; put them into the image"


def _recipe_faults(recipe: BuildRecipe, folder: Folder) -> Iterator[str]:
    """Yield a line for each file of a recipe that workers need and that is not copied to them."""
    if recipe.youtube.cookies:
        yield (
            f"youtube.cookies = {recipe.youtube.cookies!r}: a file of secrets is not copied to workers; "
            "leave it out, or build the sources that need it with --runner local"
        )
    model = recipe.folder / recipe.t5.model
    if recipe.captions == "t5" and model.is_dir() and not folder.exists(f"{PLAN}/{INDEX}"):
        yield (
            f"t5.model = {recipe.t5.model!r}: a folder of this machine, which workers do not have; name a model of the hub, "
            f"or plan here, with `laion-audio plan RECIPE --output {folder.root}`, before you build with --runner DataflowRunner"
        )


def _bucket(address: str) -> str:
    return "/".join(address.split("/")[:3])

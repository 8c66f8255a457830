"""Describe the job of a build on Dataflow without an account: `python -m pipeline.engines.dataflow_template RECIPE --output gs://BUCKET/DIR`.

The recipe is planned in a temporary folder. The job that would make its shards is written as JSON, the text form of Beam's message
`Pipeline`: its steps, its image, its size. Nothing is sent, and no key is needed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.engines.run import Engine
from pipeline.failures import RecipeError
from pipeline.output.equal_sounds_file import EqualSounds
from pipeline.output.storage import Folder
from pipeline.recipe.model import BuildRecipe, load_recipe
from pipeline.report.terminal import print_errors, print_lines

if TYPE_CHECKING:
    from apache_beam.portability.api import beam_runner_api_pb2

    from transforms.shards.shard_task import ShardTask

MAX_BYTES = 10_000_000
"""Bytes of a job that Dataflow takes; https://cloud.google.com/dataflow/quotas."""
OFFLINE = ("--dry_run=True", "--no_auth")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the description of a job, and print its size; return 0, or 2 where a build would be refused."""
    options, others = _parser().parse_known_args(argv)
    folder = Folder(options.output)
    try:
        recipe = load_recipe(options.recipe)
    except RecipeError as error:
        print_errors([str(error)])
        return 2
    given = [f"--temp_location={'/'.join(options.output.split('/')[:3])}/tmp", *others]
    if faults := list(Engine("DataflowRunner", options=tuple(given)).faults(folder, recipe)):
        print_errors(faults)
        return 2
    from google.protobuf.json_format import MessageToJson

    with tempfile.TemporaryDirectory(prefix="laion-audio-") as work:
        tasks = plan_tasks(recipe, Folder(work), options.limit)
    job = describe_build(recipe, folder, tasks, given)
    options.job.write_text(MessageToJson(job) + "\n", encoding="utf-8")
    n_bytes = job.ByteSize()
    print_lines([f"{options.job}: the job of {len(tasks)} shards, {n_bytes} bytes of at most {MAX_BYTES}; nothing was sent"])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Describe a build on Dataflow. Other options go to Beam.", allow_abbrev=False)
    parser.add_argument("recipe", help="name of a bundled recipe, path of a TOML file, or its address in a store")
    parser.add_argument("--output", required=True, help="output folder of the build: gs://BUCKET/DIR")
    parser.add_argument("--job", type=Path, default=Path("dataflow-job.json"), help="file to write (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="at most this many rows of every source")
    return parser


def plan_tasks(recipe: BuildRecipe, folder: Folder, limit: int | None) -> list[ShardTask]:
    """Plan a recipe on this machine; return the tasks of all its shards."""
    from pipeline.verbs.build_record import build_settings
    from pipeline.verbs.current_plan import current_plan, standing_snapshot
    from pipeline.verbs.rounds import unfinished
    from transforms.shards.shard_task import longest_first

    snapshot, _ = current_plan(recipe, standing_snapshot(folder), limit, Engine())
    return longest_first(unfinished(snapshot, build_settings(recipe, folder).settings_hash_of, EqualSounds()))


def describe_build(recipe: BuildRecipe, folder: Folder, tasks: Sequence[ShardTask], options: Sequence[str]) -> beam_runner_api_pb2.Pipeline:
    """Return the job that makes shards on Dataflow, as Beam's message `Pipeline`. Nothing is written and nothing is sent."""
    from pipeline.engines.dataflow import open_pipeline
    from pipeline.engines.elements import Elements
    from pipeline.verbs.build_record import build_settings
    from transforms.shards.build_shards import BuildShards

    pipeline = open_pipeline("DataflowRunner", [*options, *OFFLINE])
    settings = build_settings(recipe, folder).elsewhere()
    _ = pipeline | "Tasks" >> Elements(tasks, folder) | "BuildShards" >> BuildShards(settings)
    result: Any = pipeline.run()
    job: beam_runner_api_pb2.Pipeline = result.job.proto_pipeline
    return job


if __name__ == "__main__":
    sys.exit(main())

"""Run pipelines on a Spark cluster.

With `--spark_master` a job is submitted by spark-submit in client mode: to a standalone master, YARN or Kubernetes, or to `local[N]`.
Beam's own ways (`--spark_master_url`, `--spark_submit_uber_jar`, `--job_endpoint`) go to Beam unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.engines.spark_machine import machine_faults
from pipeline.engines.spark_options import MASTERS, is_ours, is_stock, option_faults, read_options

if TYPE_CHECKING:
    import apache_beam as beam

    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe


def open_pipeline(runner: str, options: Sequence[str]) -> beam.Pipeline:
    """Return an empty pipeline that runs on Spark."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    if not is_ours(options):
        return beam.Pipeline(options=PipelineOptions([f"--runner={runner}", *options]))
    from pipeline.engines.spark_runner import SparkSubmitRunner

    own = SparkSubmitRunner(read_options(options))
    return beam.Pipeline(runner=own, options=PipelineOptions(own.beam_options))


def faults(options: Sequence[str], folder: Folder, recipe: BuildRecipe | None) -> Iterator[str]:
    """Yield a line with the remedy for everything that cannot work."""
    if not is_ours(options):
        if not is_stock(options):
            yield f"--runner SparkRunner needs the address of a master: --spark_master with {MASTERS}"
        return
    try:
        settings = read_options(options)
    except ValueError as error:
        yield str(error)
        return
    wrong = list(option_faults(settings))
    yield from wrong or machine_faults(settings)

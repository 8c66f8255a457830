"""Run pipelines on Prism, Beam's engine for one machine: a program of its own that is a job service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, PrismRunnerOptions

from pipeline.engines import portable
from pipeline.engines.prism_program import find_prism, prism_endpoint

if TYPE_CHECKING:
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe


def open_pipeline(runner: str, options: Sequence[str]) -> beam.Pipeline:
    """Return an empty pipeline that runs on Prism, which is started unless `--job_endpoint` names one that runs.

    Raises:
        FileNotFoundError: Prism is not on this machine.
        ConnectionError: Prism does not start.
    """
    settings = PipelineOptions(list(options))
    if settings.view_as(PortableOptions).job_endpoint:
        return portable.open_pipeline(runner, options)
    endpoint = prism_endpoint(find_prism(settings.view_as(PrismRunnerOptions).prism_location))
    return portable.open_pipeline(runner, [*options, f"--job_endpoint={endpoint}"])


def faults(options: Sequence[str], folder: Folder, recipe: BuildRecipe | None) -> Iterator[str]:
    """Yield a line with the remedy where Prism is not on this machine, or does not answer."""
    settings = PipelineOptions(list(options))
    if settings.view_as(PortableOptions).job_endpoint:
        yield from portable.faults(options, folder, recipe)
        return
    try:
        find_prism(settings.view_as(PrismRunnerOptions).prism_location)
    except FileNotFoundError as error:
        yield str(error)

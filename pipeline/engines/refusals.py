"""Say what cannot work on an engine, and what to do, before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.engines.environments import environment_faults
from pipeline.engines.machines import elsewhere, is_shared, value_of

if TYPE_CHECKING:
    from pipeline.output.storage import Folder
    from pipeline.recipe.model import BuildRecipe

LOCAL = ("local", "DirectRunner", "SwitchingDirectRunner", "BundleBasedDirectRunner", "FnApiRunner")
"""Names of the local engine. Beam's own names choose one of several engines, and one of these loses rows: here all mean the same."""
HERE = "use --runner local"
OTHERS = ("DataflowRunner", "FlinkRunner", "KafkaStreamsRunner", "PortableRunner", "PrismRunner", "SparkRunner")
REFUSED = {
    "DaskRunner": f"it loses rows: what a step returns when a bundle ends; {HERE}, or SparkRunner for a cluster",
    "InteractiveRunner": f"it is for notebooks, and keeps every row of every step; {HERE}",
    "RenderRunner": f"it draws a pipeline and runs nothing; {HERE}",
    "TrivialRunner": f"it is for the tests of Beam, and runs no pipeline of this program to its end; {HERE}",
    "TestDirectRunner": f"it is for the tests of Beam; {HERE}",
    "TestDataflowRunner": "it is for the tests of Beam; use --runner DataflowRunner",
}
"""Runners that are refused, and why."""
ALLOWED = f"give local, {', '.join(OTHERS)}, or MODULE.CLASS of a runner of your own"
SHARED = "a gs:// or s3:// address, or a folder on a network file system that all machines mount at the same path"


def standard_name(runner: str) -> str:
    """Return the name of a runner as it is written here; Beam takes it in any case, without its last word, and with the module before it.

    >>> standard_name("sparkrunner"), standard_name("dask"), standard_name("apache_beam.runners.spark_runner.SparkRunner")
    ('SparkRunner', 'DaskRunner', 'SparkRunner')
    """
    given = (runner.rpartition(".")[2] if runner.startswith("apache_beam.") else runner).lower()
    return next((name for name in (*LOCAL, *REFUSED, *OTHERS) if name.lower() in {given, f"{given}runner"}), runner)


def faults_of_command(runner: str, n_workers: int | None, options: Sequence[str], own: Mapping[str, str]) -> Iterator[str]:
    """Yield a line with the remedy for everything of the command line that cannot work.

    Args:
        runner: its standard name.
        own: runner -> our module that opens its pipelines.
    """
    if (why := REFUSED.get(runner)) is not None:
        yield f"--runner {runner}: {why}"
        return
    if runner not in LOCAL and runner not in own and (fault := _missing_runner(runner)) is not None:
        yield fault
        return
    if n_workers is not None and runner not in LOCAL:
        yield f"--workers {n_workers}: it is the number of threads of --runner local; leave it out, {runner} has options of its own"
    if options:
        yield from _option_faults("local" if runner in LOCAL else runner, options, own)


def _missing_runner(runner: str) -> str | None:
    from apache_beam.runners.runner import PipelineRunner, create_runner

    if "." not in runner and runner not in OTHERS:
        close = difflib.get_close_matches(runner.lower(), [name.lower() for name in (*LOCAL, *OTHERS)], 1)
        near = f"; did you mean {standard_name(close[0])}?" if close else ""
        return f"--runner {runner!r}: there is no such runner; {ALLOWED}{near}"
    try:
        is_runner = isinstance(create_runner(runner), PipelineRunner)
    except ImportError as error:
        return f"--runner {runner}: {error}; install it, or correct the name"
    except (ValueError, AttributeError, TypeError):
        is_runner = False
    return None if is_runner else f"--runner {runner}: it is no class of a runner of Beam that can be made without arguments; {ALLOWED}"


def _option_faults(runner: str, options: Sequence[str], own: Mapping[str, str]) -> Iterator[str]:
    from pipeline.engines.known_options import option_faults
    from pipeline.parser import options_of_verbs

    described: dict[str, type] | None = None
    service = value_of(options, "job_endpoint")
    if service == "embed":
        described = {}
    elif service is not None and runner != "local":
        from pipeline.engines.job_service import described_options

        try:
            described = described_options(service)
        except ConnectionError as error:
            if runner not in own:  # our modules check it too, and say how to start one
                yield str(error)
            return
    yield from option_faults(runner, options, own, options_of_verbs(), described)
    if runner != "local":
        yield from environment_faults(options)
    elif (value_of(options, "direct_num_workers") or "").startswith("-"):
        yield "--direct_num_workers: it is a number of workers, at least 1; 0 means one a core"


def faults_of_folder(
    runner: str, options: Sequence[str], folder: Folder, recipe: BuildRecipe | None, mounts: str | None = None
) -> Iterator[str]:
    """Yield a line with the remedy where workers on other machines would not see the output folder.

    Args:
        mounts: the mounts of this machine as Linux lists them; by default those of now.
    """
    where = elsewhere(runner, options)
    if runner == "DataflowRunner" and not _has_bucket(options, folder):
        yield "--runner DataflowRunner: it needs a bucket for its own files; give --temp_location=gs://BUCKET/FOLDER"
    if where is None or not folder.is_local:
        return
    if runner == "DataflowRunner" or not is_shared(Path(folder.path(".")), mounts):
        allowed = "a gs:// or s3:// address" if runner == "DataflowRunner" else SHARED
        yield f"{folder.root}: it is on this machine, and workers of {runner} run on others ({where}); give as the output folder {allowed}"


def _has_bucket(options: Sequence[str], folder: Folder) -> bool:
    """Return whether Dataflow has a bucket: that of the output folder, or one for its own files."""
    named = [value_of(options, name) or "" for name in ("temp_location", "staging_location")]
    return any(address.startswith("gs://") for address in (folder.root, *named))

"""Check the options of a command line that are for Beam: it drops those that a runner does not know, in silence."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NoReturn

from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

LOCAL_CLASSES = frozenset({"DirectOptions", "StandardOptions", "TypeOptions", "DebugOptions", "ProfilingOptions", "SetupOptions"})
"""Classes of Beam whose options the local engine reads, or takes without harm."""
RUNNERS_OF = {
    "DirectOptions": ("local",),
    "FlinkRunnerOptions": ("FlinkRunner", "PortableRunner"),
    "KafkaStreamsRunnerOptions": ("KafkaStreamsRunner",),
    "PrismRunnerOptions": ("PrismRunner",),
    "SparkRunnerOptions": ("SparkRunner", "PortableRunner"),
    "WorkerOptions": ("DataflowRunner",),
    "TestDataflowOptions": (),
    "TestOptions": ("DataflowRunner",),  # --dry_run
}
"""Class of Beam -> the runners that read its options. Those of the other classes are read by every runner but the local one."""
OURS: dict[str, dict[str, type]] = {
    "SparkRunner": {"--spark_master": str, "--spark_conf": str, "--storage_level": str, "--bundle_size": int},
}
"""Runner -> options that our module for it reads, and those of its Java side that its jobs may need; with their types."""
IN_JAVA = frozenset({"FlinkRunner", "KafkaStreamsRunner", "SparkRunner"})
"""Runners with options that only their job service knows, which Beam starts with the job: an unknown option is theirs, unless it
resembles one that is known."""
SIMILAR = 0.75
"""Least similarity of a known option that is suggested; `difflib`, whose default is 0.6, suggests unlike names below this."""


class _Parser(_BeamArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def option_faults(
    runner: str, options: Sequence[str], own: Mapping[str, str], ours: Iterable[str], described: Mapping[str, type] | None = None
) -> Iterator[str]:
    """Yield a line for every option that a runner would drop or misread.

    Args:
        own: runner -> our module that opens its pipelines, which may define options of its own as subclasses of `PipelineOptions`.
        ours: the options of this program, for suggestions.
        described: options that the job service of the runner listed, with their types; `None` where none was asked.
    """
    classes, parser = _classes(own), _Parser(allow_abbrev=False, add_help=False, conflict_handler="resolve")
    known: dict[str, type[PipelineOptions]] = {}
    for cls in classes:
        before = set(parser._option_string_actions)
        cls._add_argparse_args(parser)
        known |= dict.fromkeys(parser._option_string_actions.keys() - before, cls)
    more = OURS.get(runner, {}) | dict(described or {})
    for name, kind in more.items():
        if name not in known:
            parser.add_argument(name, type=kind, nargs=None if name in OURS.get(runner, {}) else "?")
    read = [*(name for name, cls in known.items() if _reads(runner, cls, own)), *more]
    passes = runner in IN_JAVA and described is None and "--spark_master" not in _names(options)
    wrong = False
    for name in _names(options):
        near = _nearest(name, [*ours, *read])
        if name in read or (passes and name.startswith("--") and name not in known and not near):
            continue
        wrong = True
        yield f"{name}: {_why(name, runner, known, own)}{near}"
    if not wrong:
        yield from _wrong_values(parser, options)


def _classes(own: Mapping[str, str]) -> list[type[PipelineOptions]]:
    """Return the classes that define options: those of Beam, then ours."""
    for module in sorted(set(own.values())):
        importlib.import_module(module)
    classes = dict.fromkeys(PipelineOptions.__subclasses__())  # as Beam takes them: not the subclasses of subclasses
    return [cls for cls in classes if cls.__module__.startswith(("apache_beam.", "pipeline."))]


def _runners_of(cls: type[PipelineOptions], own: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the runners that read the options of a class; `None` for all but the local engine."""
    if cls.__module__.startswith("pipeline."):
        return tuple(runner for runner, module in own.items() if cls.__module__.startswith(module))
    return RUNNERS_OF.get(cls.__name__)


def _reads(runner: str, cls: type[PipelineOptions], own: Mapping[str, str]) -> bool:
    runners = _runners_of(cls, own)
    if runner == "local":
        return cls.__name__ in LOCAL_CLASSES
    return runners is None or runner in runners


def _names(options: Sequence[str]) -> list[str]:
    """Return the names of the options that are given, in order; a number below zero is a value."""
    given = (option.partition("=")[0] for option in options if option.startswith("-") and not re.match(r"-\.?\d", option))
    return list(dict.fromkeys(given))


def _why(name: str, runner: str, known: Mapping[str, type[PipelineOptions]], own: Mapping[str, str]) -> str:
    if not name.startswith("--"):
        return "options for Beam begin with two dashes"
    if (of_ours := next((of for of, more in OURS.items() if name in more), None)) is not None:
        return f"an option of {of_ours}; --runner {runner} does not read it"
    if name in known:
        runners = _runners_of(known[name], own)
        of = "Beam's tests" if runners == () else "engines on other machines" if runners is None else ", ".join(runners)
        return f"an option of {of}; --runner {runner} does not read it"
    return f"neither laion-audio nor --runner {runner} has such an option"


def _nearest(name: str, allowed: Iterable[str]) -> str:
    """Return "; did you mean --x?" for the most similar option, however its words are joined; empty where none is similar.

    >>> _nearest("--direct-num-worker", ["--direct_num_workers"]), _nearest("-sparkMaster", ["--spark_master"]), _nearest("--x", ["--y"])
    ('; did you mean --direct_num_workers?', '; did you mean --spark_master?', '')
    """
    names = {_plain(option): option for option in allowed}
    close = difflib.get_close_matches(_plain(name), list(names), 1, SIMILAR)
    return f"; did you mean {names[close[0]]}?" if close and names[close[0]] != name else ""


def _plain(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.lstrip("-")).replace("-", "_").lower()


def _wrong_values(parser: _Parser, options: Sequence[str]) -> Iterator[str]:
    """Yield a line where an option has a value of another type, lacks one, or is none: a word alone."""
    try:
        _, rest = parser.parse_known_args(options)
    except ValueError as error:  # of the parser, which names the option
        yield str(error).removeprefix("argument ")
        return
    unknown = {word for word in rest if word.startswith("-")}
    if rest and not unknown:
        yield f"unexpected argument {rest[0]!r}: what is given for Beam has the form --name=value"

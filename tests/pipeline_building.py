"""Build Beam pipelines in less time: Beam then reads the options once, and looks once at each function and class of a step."""

from __future__ import annotations

import contextlib
import functools
import shutil
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineRunner
from apache_beam.transforms import core, ptransform, userstate, util
from apache_beam.typehints import decorators

View = TypeVar("View", bound=PipelineOptions)


@contextlib.contextmanager
def empty_pipeline() -> Iterator[beam.Pipeline]:
    """Yield an empty pipeline without a runner. What Beam looks up while it is in use is remembered for the next ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(userstate, "get_dofn_specs", _state_specs)
        patch.setattr(PipelineOptions, "_visible_option_list", _names_of_options)
        patch.setattr(core, "_check_fn_use_yield_and_return", _yields_and_returns)
        for module in (core, decorators, ptransform, util):
            patch.setattr(module, "get_signature", _signature)
        patch.setattr(decorators.IOTypeHints, "_make_origin", _no_origin)
        pipeline = beam.Pipeline(runner=PipelineRunner(), options=_options())
        try:
            yield pipeline
        finally:
            shutil.rmtree(pipeline.local_tempdir)  # Beam removes it when a pipeline runs, and this one never does


class _Options(PipelineOptions):
    """Options that parse each view once: Beam asks for one a thousand times a pipeline, half of the time of building it."""

    def __deepcopy__(self, memo: object) -> _Options:
        return self

    def view_as(self, cls: type[View]) -> View:
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]


@functools.cache
def _options() -> _Options:
    return _Options([])


def _names_of_options(options: PipelineOptions) -> list[str]:
    """Return the names of the options of a view, which stay the same as long as it exists."""
    names = options.__dict__.get("_names")
    if names is None:
        names = options.__dict__["_names"] = sorted(name for name in dir(options._visible_options) if not name.startswith("_"))
    return names


def _no_origin(*_: object, **__: object) -> list[str]:
    """Return no lines of source: where a type was given stands in messages about type hints only."""
    return []


class _OncePerFunction:
    """A function of a function, or of a method, that is called once for each of them. What is no function is not remembered."""

    def __init__(self, look_at: Callable[[Any], Any]):
        self.look_at = look_at
        self.functions: weakref.WeakKeyDictionary[Callable, Any] = weakref.WeakKeyDictionary()
        self.methods: weakref.WeakKeyDictionary[Callable, Any] = weakref.WeakKeyDictionary()

    def __call__(self, function: Any) -> Any:
        if isinstance(function, types.FunctionType):
            known, key = self.functions, function
        elif isinstance(function, types.MethodType) and isinstance(function.__func__, types.FunctionType):
            known, key = self.methods, function.__func__
        else:
            return self.look_at(function)
        if key not in known:
            known[key] = self.look_at(function)
        return known[key]


_signature = _OncePerFunction(decorators.get_signature)
_yields_and_returns = _OncePerFunction(core._check_fn_use_yield_and_return)
_specs_of_classes: dict[type[beam.DoFn], tuple[set, set]] = {}
_get_dofn_specs = userstate.get_dofn_specs


def _state_specs(dofn: beam.DoFn) -> tuple[set, set]:
    if type(dofn) not in _specs_of_classes:
        _specs_of_classes[type(dofn)] = _get_dofn_specs(dofn)
    return _specs_of_classes[type(dofn)]

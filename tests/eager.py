"""Run Beam pipelines in this thread, one transform after the other: a pipeline of a few elements takes milliseconds.

Only what moves elements between the steps is ours. Beam checks and expands the pipeline, and its `DoFnRunner` calls the
functions, as on every engine. As there, functions and elements are pickled on their way: what cannot be pickled fails,
and a step that changes its input changes nothing for other steps.
"""

from __future__ import annotations

import collections
import pickle
import random
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.internal import pickler
from apache_beam.internal.util import insert_values_in_args
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.pvalue import AsSideInput, PCollection, PValue
from apache_beam.runners.common import DoFnRunner, Receiver
from apache_beam.transforms.util import Reshuffle, ReshufflePerKey
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.engines.run import Engine
from pipeline.failures import EngineError
from tests.pipeline_building import empty_pipeline

SHUFFLES = (Reshuffle, ReshufflePerKey)
"""Transforms whose output is their input, in any order: what they consist of is not run."""


@dataclass(frozen=True, slots=True)
class EagerEngine(Engine):
    """An engine for tests: runs pipelines in this thread, and fails as `Engine` does.

    `seed` draws the order in which elements come out of shuffles; `None` leaves them in the order in which they went in.
    """

    seed: int | None = None

    def run(self, add_steps: Callable[[beam.Pipeline], object], one_worker: bool = False) -> None:
        """Run the pipeline that `add_steps` adds to an empty one, to its end.

        Raises:
            EngineError: a step failed; the text is the traceback.
        """
        with empty_pipeline() as pipeline:
            add_steps(pipeline)
            try:
                pipeline.visit(_Evaluation(self.seed))
            except Exception as error:
                raise EngineError(traceback.format_exc()) from error


def collect(steps: Callable[[beam.Pipeline], Iterable[PCollection]], seed: int | None = None) -> list[list[Any]]:
    """Run a pipeline eagerly; return the elements of each collection that `steps` returns. Exceptions are those of the steps."""
    with empty_pipeline() as pipeline:
        collections = list(steps(pipeline))
        evaluation = _Evaluation(seed)
        pipeline.visit(evaluation)
    return [evaluation.elements(collection) for collection in collections]


class _Evaluation(PipelineVisitor):
    """Run each transform when Beam visits it, in the order in which they were applied; hold elements as one pickle a collection.

    Raises:
        NotImplementedError: the pipeline groups within windows, or holds a primitive transform that is not known here.
    """

    def __init__(self, seed: int | None):
        self.random = None if seed is None else random.Random(seed)
        self.pickled: dict[PValue, bytes] = {}
        self.inside: AppliedPTransform | None = None  # the shuffle whose parts are being visited

    def enter_composite_transform(self, transform_node: AppliedPTransform) -> None:
        if self.inside is None and isinstance(transform_node.transform, SHUFFLES):
            self.inside = transform_node

    def leave_composite_transform(self, transform_node: AppliedPTransform) -> None:
        if self.inside is transform_node:
            self.inside = None
            self._store(transform_node, self._shuffled(self._input(transform_node)))

    def visit_transform(self, transform_node: AppliedPTransform) -> None:
        if self.inside is not None:
            return
        transform = transform_node.transform
        if isinstance(transform, beam.Impulse):
            self._store(transform_node, [b""])
        elif isinstance(transform, beam.Flatten):
            self._store(transform_node, self._shuffled([element for part in transform_node.inputs for element in self.elements(part)]))
        elif isinstance(transform, beam.GroupByKey):
            self._store(transform_node, self._grouped(transform_node))
        elif isinstance(transform, beam.ParDo):
            self._run(transform_node, transform)
        else:
            raise NotImplementedError(f"{transform_node.full_label}: {type(transform).__name__} on the eager runner; use Engine")

    def _run(self, node: AppliedPTransform, transform: beam.ParDo) -> None:
        function, args, kwargs = _copied((transform.fn, transform.args, transform.kwargs))
        args, kwargs = insert_values_in_args(args, kwargs, [self._side_input(side) for side in transform.side_inputs])
        outputs: dict[Any, Any] = collections.defaultdict(_Collector)
        runner = DoFnRunner(function, args, kwargs, [], node.inputs[0].windowing, outputs, step_name=node.full_label)
        runner.setup()
        try:
            runner.start()
            for element in self._input(node):
                runner.process(WindowedValue(element, 0, (GlobalWindow(),)))
            runner.finish()
        finally:
            runner.teardown()
        for tag, collection in node.outputs.items():
            self.pickled[collection] = pickle.dumps(outputs[tag].elements)

    def _grouped(self, node: AppliedPTransform) -> list[tuple[Any, list[Any]]]:
        if not node.inputs[0].windowing.is_default():
            raise NotImplementedError(f"{node.full_label}: windows on the eager runner; use Engine")
        groups: dict[Any, list[Any]] = collections.defaultdict(list)
        for key, value in self._shuffled(self._input(node)):
            groups[key].append(value)
        return list(groups.items())

    def _side_input(self, side: AsSideInput) -> Any:
        return side._from_runtime_iterable(self._shuffled(self.elements(side.pvalue)), side._view_options())

    def _shuffled(self, elements: list[Any]) -> list[Any]:
        return elements if self.random is None else self.random.sample(elements, len(elements))

    def _input(self, node: AppliedPTransform) -> list[Any]:
        return self.elements(node.inputs[0])

    def elements(self, collection: PValue) -> list[Any]:
        return pickle.loads(self.pickled[collection])

    def _store(self, node: AppliedPTransform, elements: list[Any]) -> None:
        (collection,) = node.outputs.values()
        self.pickled[collection] = pickle.dumps(elements)


class _Collector(Receiver):
    """Take the elements that a step puts out."""

    def __init__(self) -> None:
        self.elements: list[Any] = []

    def receive(self, windowed_value: WindowedValue) -> None:
        self.elements.append(windowed_value.value)


def _copied(function: Any) -> Any:
    return pickler.loads(pickler.dumps(function, use_zlib=True), use_zlib=True)

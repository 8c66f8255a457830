"""The eager engine gives what Beam's own gives, and fails where that fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import apache_beam as beam
import pytest

from pipeline.engines.run import Engine
from pipeline.failures import EngineError
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.verbs.build import build
from tests.eager import EagerEngine
from tests.fates import build_into, make_fates, published, unwatched

Steps = Callable[[beam.Pipeline], beam.PCollection]
WORDS = ["rain", "dog", "rain", "bell", "dog", "rain"]


def _append(element: object, path: Path) -> None:
    with path.open("a") as file:
        print(repr(element), file=file)


class Named(beam.PTransform):
    """Steps under a label of their own, so that a pipeline can hold many of them."""

    def __init__(self, steps: Steps, path: Path):
        super().__init__()
        self.steps = steps
        self.path = path

    def expand(self, root: beam.Pipeline) -> beam.PCollection:
        return self.steps(root) | "Append" >> beam.Map(_append, self.path)


def outputs(engine: Engine, folder: Path, named: dict[str, Steps]) -> dict[str, list[str]]:
    """Return the elements of the last collection of all steps as text, sorted; from one pipeline."""

    def add_all(root: beam.Pipeline) -> None:
        for name, steps in named.items():
            _ = root | name >> Named(steps, folder / name)

    folder.mkdir()
    engine.run(add_all)
    return {name: sorted((folder / name).read_text().splitlines()) if (folder / name).exists() else [] for name in named}


class Phases(beam.DoFn):
    """Put out the methods that were called, and each word under a tag."""

    def setup(self) -> None:
        self.calls = ["setup"]

    def start_bundle(self) -> None:
        self.calls.append("start")

    def process(self, word: str, longer_than: int) -> Iterator[object]:
        yield self.calls[:2]
        yield beam.pvalue.TaggedOutput("long" if len(word) > longer_than else "short", word)

    def finish_bundle(self) -> Iterator[object]:
        yield beam.transforms.window.GlobalWindows.windowed_value(["finish"])


def _both(root: beam.Pipeline) -> tuple[beam.PCollection, beam.PCollection]:
    return root | "Words" >> beam.Create(WORDS), root | "Pairs" >> beam.Create([("rain", 1), ("dog", 2)])


STEPS: dict[str, Steps] = {
    "map": lambda root: _both(root)[0] | beam.Map(len) | beam.Filter(lambda n: n > 3),
    "flat map": lambda root: _both(root)[0] | beam.FlatMap(list),
    "count of each": lambda root: _both(root)[0] | beam.combiners.Count.PerElement(),
    "count of all": lambda root: _both(root)[0] | beam.combiners.Count.Globally(),
    "count of none": lambda root: root | beam.Create([]) | beam.combiners.Count.Globally(),
    "set": lambda root: _both(root)[0] | beam.combiners.ToSet() | beam.Map(sorted),
    "distinct": lambda root: _both(root)[0] | beam.Distinct(),
    "sum": lambda root: _both(root)[0] | beam.Map(len) | beam.CombineGlobally(sum).without_defaults(),
    "sum of none": lambda root: root | beam.Create([]) | beam.CombineGlobally(sum).without_defaults(),
    "sum of each": lambda root: _both(root)[0] | beam.Map(lambda word: (word, 1)) | beam.CombinePerKey(sum),
    "group": lambda root: _both(root)[1] | beam.GroupByKey() | beam.MapTuple(lambda word, values: (word, list(values))),
    "dictionary": lambda root: _both(root)[0] | beam.Map(lambda word, to: to.get(word), beam.pvalue.AsDict(_both_again(root))),
    "list": lambda root: _both(root)[0] | beam.Map(lambda word, pairs: (word, len(pairs)), beam.pvalue.AsList(_both_again(root))),
    "iterable": lambda root: _both(root)[0] | beam.Map(_total, pairs=beam.pvalue.AsIter(_both_again(root))),
    "default": lambda root: _both(root)[0] | beam.Map(lambda word, n: (word, n), beam.pvalue.AsSingleton(root | beam.Create([]), 7)),
    "reshuffle": lambda root: _both(root)[0] | beam.Reshuffle(),
    "joined": lambda root: _joined(*_both(root)),
    "partition": lambda root: (_both(root)[0] | beam.Partition(lambda word, n: len(word) % n, 2))[1],
    "main output": lambda root: (
        (_both(root)[0] | beam.Reshuffle() | beam.ParDo(Phases(), 3).with_outputs("long", main="calls")).calls
        | beam.Map(tuple)
        | beam.Distinct()
    ),
    "tagged output": lambda root: (_both(root)[0] | beam.ParDo(Phases(), longer_than=3).with_outputs()).long,
}


def _both_again(root: beam.Pipeline) -> beam.PCollection:
    return root | "Side" >> beam.Create([("rain", 1), ("dog", 2)])


def _total(word: str, pairs: Iterable[tuple[str, int]]) -> tuple[str, int]:
    return word, sum(n for _, n in pairs)


def _joined(words: beam.PCollection, pairs: beam.PCollection) -> beam.PCollection:
    counted = words | beam.combiners.Count.PerElement()
    joined = {"counted": counted, "pairs": pairs} | beam.CoGroupByKey()
    return joined | beam.MapTuple(lambda word, sides: (word, list(sides["counted"]), list(sides["pairs"])))


def test_every_transform_gives_what_it_gives_on_the_engine_of_builds(tmp_path: Path) -> None:
    real = outputs(Engine(n_workers=1), tmp_path / "real", STEPS)
    assert outputs(EagerEngine(), tmp_path / "eager", STEPS) == outputs(EagerEngine(seed=3), tmp_path / "drawn", STEPS) == real
    assert real["count of none"] == ["0"] and real["sum of none"] == []


def test_a_plan_and_a_build_are_the_same_bytes_as_on_the_engine_of_builds(tmp_path: Path) -> None:
    recipe = make_fates(tmp_path / "in")
    build_into(tmp_path / "real", recipe)
    for seed in (None, 1, 2):
        folder = Folder(str(tmp_path / f"eager-{seed}"))
        done = build(load_recipe(str(recipe)), folder, None, EagerEngine(n_workers=2, seed=seed), unwatched)
        assert done.missing == () and done.books.balance
        assert published(Path(folder.root)) == published(tmp_path / "real")


def test_a_seed_draws_the_order_of_arrival(tmp_path: Path) -> None:
    def orders(seed: int | None) -> list[list[str]]:
        return [in_order(EagerEngine(seed=seed)) for _ in range(2)]

    def in_order(engine: Engine) -> list[str]:
        (tmp_path / "out").unlink(missing_ok=True)
        engine.run(lambda root: root | beam.Create(list("abcdefgh")) | beam.Reshuffle() | beam.Map(_append, tmp_path / "out"))
        return [line.strip("'") for line in (tmp_path / "out").read_text().splitlines()]

    assert orders(None) == [list("abcdefgh")] * 2
    assert orders(1)[0] == orders(1)[1] != orders(2)[0] != list("abcdefgh")


def _fail(_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_step_that_fails_is_an_engine_error_with_its_traceback_as_on_the_engine_of_builds() -> None:
    causes = []
    for engine in (Engine(n_workers=1), EagerEngine()):
        with pytest.raises(EngineError, match="in _fail") as caught:
            engine.run(lambda root: root | beam.Create([1]) | beam.Map(_fail))
        assert "No space left on device" in caught.value.cause
        causes.append(caught.value.cause)
    assert causes[0] == causes[1] == "OSError: [Errno 28] No space left on device"


def test_what_cannot_be_pickled_fails() -> None:
    lock = threading.Lock()
    with pytest.raises(EngineError, match=r"cannot pickle '_thread\.lock'"):
        EagerEngine().run(lambda root: root | beam.Create([1]) | beam.Map(lambda _: lock))
    with pytest.raises(EngineError, match=r"cannot pickle '_thread\.lock'"):
        EagerEngine().run(lambda root: root | beam.Create([1]) | beam.Map(lambda _: threading.Lock()))


def _clear(elements: list[int]) -> int:
    elements.clear()
    return 0


def test_a_step_that_changes_its_input_changes_it_for_no_other_step(tmp_path: Path) -> None:
    def steps(root: beam.Pipeline) -> beam.PCollection:
        lists = root | beam.Create([[1, 2, 3]])
        cleared = lists | "Clear" >> beam.Map(_clear)
        return (cleared, lists | "Sum" >> beam.Map(sum)) | beam.Flatten()

    assert outputs(EagerEngine(), tmp_path / "out", {"sum": steps}) == {"sum": ["0", "6"]}


def test_windows_are_refused() -> None:
    windows = beam.WindowInto(beam.window.FixedWindows(1))
    with pytest.raises(EngineError, match="windows on the eager runner"):
        EagerEngine().run(lambda root: root | beam.Create([(1, 1)]) | windows | beam.GroupByKey())


def test_a_small_pipeline_takes_a_fraction_of_a_second() -> None:
    began = time.process_time()
    EagerEngine().run(STEPS["joined"])
    assert time.process_time() - began < 0.5

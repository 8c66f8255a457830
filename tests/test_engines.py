"""The local engine loses no rows; other runners and their options go to Beam unchanged."""

import threading
import time

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.local import THREADS
from pipeline.engines.run import Engine, open_engine
from pipeline.failures import EngineError
from pipeline.machine.cores import n_cores


class Slow(beam.DoFn):
    """Yield rows for longer than one second, after which Beam's timer would send an incomplete row."""

    def process(self, n: int):
        for number in range(n):
            yield number % 50, "x" * 400 + str(number)
            if number % 1000 == 0:
                time.sleep(0.04)


def test_a_step_that_takes_seconds_neither_loses_nor_garbles_rows():
    def add_steps(root: beam.Pipeline) -> None:
        groups = root | beam.Create([30_000] * 2) | beam.ParDo(Slow()) | beam.GroupByKey()
        counts = groups | beam.MapTuple(lambda _, rows: len(rows))
        assert_that(counts, equal_to([1200] * 50))

    for _ in range(2):
        Engine(n_workers=2).run(add_steps)


def test_workers_of_the_local_engine_have_no_timer():
    environment = Engine(n_workers=2)._empty(one_worker=False).runner._default_environment
    assert environment.data_buffer_time_limit_ms >= 10**9
    assert Engine(options=(THREADS,))._empty(one_worker=True).runner._default_environment.data_buffer_time_limit_ms >= 10**9


thread_ids: set[int] = set()


def note_thread(number: int) -> int:
    time.sleep(0.02)
    thread_ids.add(threading.get_ident())
    return number


def test_local_workers_are_threads_of_this_process():
    thread_ids.clear()
    Engine(n_workers=2).run(lambda root: root | beam.Create(range(40)) | beam.Map(note_thread))
    assert len(thread_ids) == 2


def test_a_failed_step_fails_the_run_with_its_error():
    with pytest.raises(EngineError, match="ZeroDivisionError") as caught:
        Engine(n_workers=2).run(lambda root: root | beam.Create([0]) | beam.Map(lambda zero: 1 / zero))
    assert caught.value.cause.startswith("ZeroDivisionError")


@pytest.mark.parametrize("options", [(), ("--direct_running_mode=in_memory",), ("--direct_running_mode=multi_threading",)])
@pytest.mark.parametrize("one_worker", [True, False])
def test_every_local_mode_gives_the_same_rows(options, one_worker):
    def add_steps(root: beam.Pipeline) -> None:
        assert_that(root | beam.Create(range(10)) | beam.Map(lambda number: number * 2), equal_to(list(range(0, 20, 2))))

    Engine(n_workers=1, options=options).run(add_steps, one_worker)


def test_one_worker_makes_all_unless_the_options_choose_a_mode():
    options = Engine(n_workers=4)._empty(one_worker=True).options.view_as(DirectOptions)
    assert (options.direct_num_workers, options.direct_running_mode) == (1, "in_memory")
    chosen = Engine(n_workers=4, options=("--direct_running_mode=multi_processing",))._empty(one_worker=True).options.view_as(DirectOptions)
    assert (chosen.direct_num_workers, chosen.direct_running_mode) == (4, "multi_processing")


def test_any_other_runner_and_its_options_go_to_beam_unchanged():
    pipeline = Engine("SparkRunner", 3, ("--spark_master_url=local[2]",))._empty(one_worker=True)
    assert pipeline.options.view_as(StandardOptions).runner == "SparkRunner"
    assert "--spark_master_url=local[2]" in pipeline.options._flags


def test_there_is_a_worker_a_core_unless_another_number_is_asked_for():
    assert Engine()._empty(one_worker=False).options.view_as(DirectOptions).direct_num_workers == n_cores() >= 1
    assert Engine(n_workers=7)._empty(one_worker=False).options.view_as(DirectOptions).direct_num_workers == 7


@pytest.mark.parametrize(("runner", "options"), [("NoSuchRunner", ()), ("local", ("stray",))])
def test_an_unknown_runner_or_argument_is_refused_before_anything_runs(runner, options):
    with pytest.raises(ValueError, match=r"NoSuchRunner|unexpected argument 'stray'"):
        open_engine(runner, None, options)
    assert open_engine("local", 2, ("--profile_cpu",)) == Engine("local", 2, ("--profile_cpu",))

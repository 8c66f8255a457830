"""What the log says of a run's speed: operations, peaks, waits, memory."""

import time
from dataclasses import replace

import pytest
import torch

from tests.train_steps import RECIPE, make_batch, make_model
from train.loop import speed
from train.loop.modes import lock_towers
from train.loop.speed import MEASURED, Meter, Work, count_work, measured_peak, peak_memory, peak_of
from train.towers.model import Clap

CPU = torch.device("cpu")
WORK = Work(clip=1e6, token=1e3)


@pytest.fixture(scope="module")
def model() -> Clap:
    return make_model().train()


def test_counting_changes_nothing_and_counts_every_product_of_a_caption(model):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = torch.get_rng_state()
    work = count_work(model)
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items()) and torch.equal(state, torch.get_rng_state())
    assert model.training and model.audio_branch.training
    layers = [m for m in model.text_branch.encoder.modules() if isinstance(m, torch.nn.Linear)]
    least = 2 * sum(m.weight.numel() for m in layers)  # a product and a sum for each weight and token
    assert least < work.token < 1.5 * least


def test_a_longer_clip_is_counted_where_clips_are_fused(model):
    plain = make_model(replace(RECIPE, fusion="none"))
    assert count_work(model).clip > count_work(plain).clip > 1e8


def test_a_tower_that_is_locked_has_no_backward_pass(model):
    batch = make_batch(4)
    audio, text = 4 * 1e6, batch.ids.numel() * 1e3
    work = []
    for locked in ("", "audio", "both"):
        lock_towers(model, locked)
        work.append(WORK.of_step(batch, model))
    lock_towers(model, "")
    assert work == [3 * audio + 3 * text, audio + 3 * text, audio + text]


@pytest.mark.parametrize(
    ("name", "precision", "peak"),
    [("NVIDIA H100 80GB HBM3", "bf16", 989e12), ("NVIDIA H100 PCIe", "fp16", 756e12), ("NVIDIA A100-SXM4-80GB", "fp32", 19.5e12)],
)
def test_the_peak_of_a_known_card_is_that_of_its_data_sheet(name, precision, peak, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    assert peak_of(torch.device("cuda"), precision) == peak


def test_the_peak_of_another_device_is_measured():
    assert 1e8 < measured_peak(CPU) < 1e15
    assert 1e8 < peak_of(CPU, "fp32") < 1e15


def test_memory_is_in_gigabytes():
    assert 0.1 < peak_memory(CPU) < 100  # torch alone takes more than 0.1


def test_a_step_has_its_wait_and_its_share_of_the_peak(model, monkeypatch):
    batch, clock = make_batch(4), iter([10.0, 13.0, 14.0, 14.0])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    meter = Meter(model, WORK, 1e7, CPU, began=0.0)
    assert next(meter.batches([batch])) is batch  # from 10 to 13
    values = meter.step(batch, 8)  # at 14
    assert tuple(values) == MEASURED
    assert values["data_seconds"] == 3 and values["clips_per_second"] == pytest.approx(8 / 14)
    assert values["mfu"] == pytest.approx(WORK.of_step(batch, model) / 14 / 1e7)


def test_all_batches_are_yielded_and_a_restart_leaves_out_what_was_done_before(model):
    meter = Meter(model, WORK, 1e7, CPU)
    assert list(meter.batches([1, 2, 3])) == [1, 2, 3]
    meter.began -= 1000
    meter.restart()
    assert time.perf_counter() - meter.began < 100

"""The comparison on a card runs, in small, on a CPU; without a card it says so."""

import json

import pytest
import torch

from bench.gpu import Case, Figures, main, table

CPU = torch.device("cpu")


@pytest.mark.slow
def test_both_sides_train_a_small_model_on_a_cpu(capsys):
    assert main(["--tiny"]) == 0
    figures = [Figures(**each) for each in json.loads(capsys.readouterr().out.splitlines()[-1])]
    assert [each.name for each in figures] == ["transformers", "ours"]
    assert all(each.clips_per_second > 0 and 0 < each.mfu < 2 and each.memory_gb > 0 for each in figures)


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has a card")
def test_without_a_card_it_says_what_runs(capsys):
    assert main([]) == 2
    assert "there is no card; --tiny runs on a CPU" in capsys.readouterr().err


def test_the_table_compares_with_the_first_way():
    rows = table([Figures("transformers", 100.0, 0.1, 20.0, 3.0), Figures("ours", 250.0, 0.25, 10.0, 2.0)], Case(CPU)).splitlines()
    assert rows[0].startswith("cpu, batch of 256, bf16")
    assert rows[2].split()[1:4] == ["100.0", "1.00", "0.100"] and rows[3].split()[1:4] == ["250.0", "2.50", "0.250"]

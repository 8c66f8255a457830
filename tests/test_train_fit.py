"""Complete runs: training, stopping, resuming, and input that cannot be used."""

import json
import math
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train_runs import CPU, TINY, environment, losses, on_two_ranks, trained
from tests.train_sets import CLASSES, flac, sound, write_set, write_shard, write_split
from train import evaluate
from train.data.samples import FixedClips
from train.data.shards import find_shards
from train.errors import BadInput, Interrupted, Stopped
from train.evaluate import by_dataset, score
from train.fit import fit, folder_lock
from train.loop.checkpoint import checkpoints, load_checkpoint, load_run, read_run
from train.loop.log import flatten, read_log, validations
from train.loop.ranks import rank
from train.loop.speed import MEASURED
from train.loop.step import StepResult
from train.recipe import load_recipe
from train.start import check_machine


def test_a_run_leaves_log_checkpoints_learning_curve_and_tokenizer():
    run, _ = trained()
    assert [e["step"] for e in read_log(run) if "loss" in e] == [1, 2, 3, 4, 5, 6]
    assert [e["step"] for e in read_log(run) if "valid" in e] == [3, 6]
    assert [p.name for p in checkpoints(run)] == ["step-0000003.pt", "step-0000006.pt"]
    assert {"best.pt", "learning-curve.png", "run.json", "tokenizer", "text"} <= {p.name for p in run.iterdir()}
    assert not list(run.rglob("*.part"))


def test_every_training_sample_of_every_dataset_is_used(tmp_path):
    lines: list[str] = []
    fit(str(write_set(tmp_path / "set", train=4, valid=2)), replace(TINY, steps=1, batch=2, valid_every=1), environment(tmp_path, lines))
    assert lines[0].startswith("8 clips, 1 steps of 2")


def test_the_best_checkpoint_is_chosen_on_valid():
    run, _ = trained()
    merit = {e["step"]: e["valid"]["t2a"]["mAP@10"] + e["valid"]["a2t"]["mAP@10"] for e in read_log(run) if "valid" in e}
    best = load_checkpoint(run / "best.pt")["step"]
    assert merit[best] == max(merit.values())


def test_the_best_checkpoint_is_chosen_by_the_mean_over_valid_sets(tmp_path, monkeypatch):
    shards = write_set(tmp_path / "set", train=4, valid=2)
    write_split(shards / "Second" / "valid", 3, seconds=(0.3,))
    merits = iter([(0.9, 0.1), (0.6, 0.6), (0.1, 0.8)])  # mAP@10 of the two sets after steps 1 to 3: means 0.5, 0.6, 0.45

    def known(*words) -> dict:
        scores = score_set(*words)
        if scores["n_clips"] == 2:
            known.merit = next(merits)
        merit = known.merit[scores["n_clips"] == 3]
        return {**scores, **{way: {**scores[way], "mAP@10": merit} for way in ("t2a", "a2t")}}

    score_set = evaluate.score_set
    monkeypatch.setattr(evaluate, "score_set", known)
    fit(str(shards), replace(TINY, steps=3, batch=2, valid_every=1), environment(tmp_path))
    best = load_checkpoint(tmp_path / "run" / "best.pt")
    assert best["step"] == 2 and set(best["scores"]["datasets"]) == {"First", "Second"}
    assert [round(value, 2) for value in validations(tmp_path / "run", 3).values()] == [0.5, 0.6, 0.45]


class Killed(Exception):
    pass


def test_a_killed_run_is_resumed_with_the_same_losses(tmp_path):
    complete, shards = trained()

    def kill_in_the_middle(text: str) -> None:
        if text.startswith("step     5") or "5/6" in text:
            raise Killed

    with pytest.raises(Killed):
        fit(str(shards), replace(TINY, log_every=1), replace(environment(tmp_path), report=kill_in_the_middle))
    assert len(losses(tmp_path / "run")) == 5  # beyond the checkpoint of step 3, in the middle of an epoch
    fit(str(shards), replace(TINY, log_every=1), environment(tmp_path), resume="yes")
    assert losses(tmp_path / "run") == losses(complete)


def test_workers_do_not_change_the_losses(tmp_path):
    complete, shards = trained()
    fit(str(shards), replace(TINY, workers=2), environment(tmp_path))
    assert losses(tmp_path / "run") == losses(complete)


def test_a_finished_run_is_left_as_it_is():
    run, shards = trained()
    lines: list[str] = []
    fit(str(shards), TINY, replace(environment(run.parent), report=lines.append))
    assert lines == [f"{run} has all its 6 steps: nothing to do"]


def test_more_steps_can_be_added_to_a_run(tmp_path):
    run, shards = trained()
    shutil.copytree(run, tmp_path / "run")
    fit(str(shards), replace(TINY, steps=7), environment(tmp_path), resume="yes")
    assert len(losses(tmp_path / "run")) == 7


def test_a_folder_with_another_run_is_bad_input(tmp_path):
    run, shards = trained()
    with pytest.raises(BadInput, match="holds a run already"):
        fit(str(shards), replace(TINY, seed=1), environment(run.parent))
    with pytest.raises(BadInput, match="another recipe"):
        fit(str(shards), replace(TINY, seed=1), environment(run.parent), resume="yes")
    with pytest.raises(BadInput, match="no run to resume"):
        fit(str(shards), TINY, environment(tmp_path), resume="yes")


@pytest.mark.parametrize(
    ("missing", "message"), [("First/valid", "no samples of split 'valid'"), ("First/train/1.tar", "names 1.tar, which does not exist")]
)
def test_missing_data_is_named_before_a_model_is_built(tmp_path, missing, message):
    shards = write_set(tmp_path / "set", train=6, valid=1, test=1)
    path = shards / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(BadInput, match=message):
        fit(str(shards), TINY, environment(tmp_path))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("precision", "able", "n_reported"),
    [("bf16", {"avx512_bf16": False}, 1), ("bf16", {"amx_bf16": True}, 0), ("fp16", {"amx_bf16": True}, 1), ("fp32", {}, 0)],
)
def test_a_processor_that_imitates_a_precision_is_reported(precision, able, n_reported, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    lines: list[str] = []
    check_machine(replace(TINY, precision=precision), environment(tmp_path, lines))
    assert sum(f"imitates {precision}" in line for line in lines) == n_reported


def test_compiled_shares_of_a_model_are_bad_input(tmp_path, monkeypatch):
    monkeypatch.setattr("train.start.world_size", lambda: 2)
    with pytest.raises(BadInput, match=r"leave compile out, or --set parallel=ddp"):
        check_machine(replace(TINY, compile=True, parallel="fsdp"), environment(tmp_path))


def test_a_step_that_is_skipped_in_fp16_is_counted_in_the_log(tmp_path, monkeypatch):
    shards, steps = trained()[1], iter([True, False, True])
    monkeypatch.setattr("train.fit.train_step", lambda *_: StepResult(1.0, next(steps)))
    fit(str(shards), replace(TINY, precision="fp16", steps=3, valid_every=3), environment(tmp_path))
    events = [event for event in read_log(tmp_path / "run") if "loss" in event]
    assert [event["skipped"] for event in events] == [1, 1, 2] and {event["loss_scale"] for event in events} == {2.0**16}
    assert load_checkpoint(checkpoints(tmp_path / "run")[-1])["skipped"] == 2


def test_a_checkpoint_of_an_earlier_version_is_bad_input(tmp_path):
    complete, shards = trained()
    shutil.copytree(complete, tmp_path / "run")
    newest = checkpoints(tmp_path / "run")[-1]
    saved = load_checkpoint(newest)
    torch.save({name: saved[name] for name in saved if name != "scaler"}, newest)
    with pytest.raises(BadInput, match=r"step-0000006.pt is of an earlier version, it has no scaler; give another --output"):
        fit(str(shards), replace(TINY, steps=7), environment(tmp_path), resume="yes")


def test_a_batch_larger_than_the_set_or_not_divisible_is_bad_input():
    run, shards = trained()
    with pytest.raises(BadInput, match="fewer than a batch of 64"):
        fit(str(shards), replace(TINY, batch=64), environment(run.parent))
    with pytest.raises(BadInput, match="does not divide into 1 ranks of 3 parts"):
        fit(str(shards), replace(TINY, accumulate=3), environment(run.parent))


def test_captions_longer_than_the_context_are_counted(tmp_path):
    _, shards = trained()
    lines: list[str] = []
    fit(str(shards), replace(TINY, context=5, steps=1), environment(tmp_path, lines))
    assert any("captions are longer than the context of 5 tokens and are cut" in line for line in lines)


@pytest.mark.parametrize("lr", [1e39, 1e9, 1e30])
def test_a_model_that_blows_up_stops_before_anything_is_saved_and_names_the_step(tmp_path, lr):
    _, shards = trained()
    with pytest.raises(Stopped, match=r"step \d: the .*(are not finite|loss is nan)"):
        fit(str(shards), replace(TINY, lr=lr, warmup=0, clip_norm=0.0, valid_every=1), environment(tmp_path))
    assert "best.pt" not in {path.name for path in (tmp_path / "run").iterdir()} or finite_scores(tmp_path / "run")
    assert "Infinity" not in (tmp_path / "run" / "log.jsonl").read_text() and "NaN" not in (tmp_path / "run" / "log.jsonl").read_text()


def finite_scores(run: Path) -> bool:
    """Return whether all scores and weights of the best checkpoint of a run are finite."""
    best = load_checkpoint(run / "best.pt")
    weights = [x for x in best["model"].values() if x.is_floating_point()]
    return all(map(math.isfinite, flatten(best["scores"]).values())) and all(bool(x.isfinite().all()) for x in weights)


def test_a_valid_clip_whose_embedding_is_not_finite_stops_the_run_and_is_named(tmp_path, monkeypatch):
    _, shards = trained()
    embed = evaluate.embed_features

    def broken(model, mels, longer):
        vectors = embed(model, mels, longer).clone()
        vectors[1] = math.nan
        return vectors

    monkeypatch.setattr(evaluate, "embed_features", broken)
    with pytest.raises(Stopped, match="valid after step 3: the audio embeddings of 'valid-001' are not finite, 1 of 4"):
        fit(str(shards), TINY, environment(tmp_path))
    assert not list((tmp_path / "run").glob("*.pt"))


def test_broken_samples_are_named_and_too_many_stop_the_run(tmp_path):
    shards = write_set(tmp_path / "set", train=20, valid=2, test=1)
    bad = [(f"bad-{i}", b"fLaC but not", {"text": ["x"], "tag": []}) for i in range(5)]
    write_shard(shards / "Third" / "train" / "0.tar", [*bad, ("good", flac(sound("hum", 0.3, 0)), {"text": ["x"], "tag": []})])
    (shards / "Third" / "train" / "sizes.json").write_text(json.dumps({"0.tar": 6}))
    lines: list[str] = []
    fit(str(shards), replace(TINY, broken_share=0.9, steps=7), environment(tmp_path, lines))
    assert len({line for line in lines if line.startswith("broken sample left out: bad-")}) >= 3
    with pytest.raises(Stopped, match="samples are broken; more than broken_share"):
        fit(str(shards), replace(TINY, broken_share=0.02, steps=7), replace(environment(tmp_path), output=tmp_path / "other"))


def train_four_steps(shards: str, output: str, lines: list[str]) -> list[str]:
    """Train with both towers locked: nothing is dropped then, so that ranks draw no noise."""
    recipe = replace(TINY, steps=4, valid_every=2, lock="both", warmup=1)
    fit(shards, recipe, environment(Path(output), lines))
    return lines


def test_two_ranks_leave_one_run_whose_log_is_that_of_one(tmp_path):
    shards = str(trained()[1])
    reported = on_two_ranks(train_four_steps, shards, str(tmp_path / "two"), [])
    train_four_steps(shards, str(tmp_path / "one"), [])
    first, second = (flat_log(tmp_path / name / "run") for name in ("one", "two"))
    assert first.keys() == second.keys() and len(first) > 20
    assert second == pytest.approx(first, abs=1e-4)
    assert reported[0][0].startswith("16 clips, 4 steps of 4") and reported[1] == []
    assert [load_checkpoint(path)["step"] for path in checkpoints(tmp_path / "two" / "run")] == [2, 4]
    run, valid = load_run(tmp_path / "two" / "run", CPU), FixedClips(find_shards(shards, "valid"), True, tmp_path)
    assert score(run.model, run.tokenizer, by_dataset(valid), 77) == read_scores(tmp_path / "two" / "run")[run.step]


def signalled_in_validation(shards: str, output: str) -> str:
    """Train until a signal comes to rank 1 alone, in the middle of its share of a validation. Return how that ended."""
    embed = evaluate._embed_tokens

    def interrupted(*words) -> np.ndarray:
        if rank() == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return embed(*words)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted) as caught:
        patch.setattr(evaluate, "_embed_tokens", interrupted)
        patch.setattr(evaluate, "TEXTS_AT_ONCE", 2)
        fit(shards, replace(TINY, steps=4, valid_every=2), environment(Path(output)))
    return str(caught.value)


@pytest.mark.slow
def test_a_signal_to_one_rank_ends_a_validation_on_all_and_the_step_is_saved(tmp_path):
    ends = on_two_ranks(signalled_in_validation, str(trained()[1]), str(tmp_path))
    assert ends == ["stopped after step 2, which is saved; --resume continues the run"] * 2
    assert [load_checkpoint(path)["step"] for path in checkpoints(tmp_path / "run")] == [2]
    assert read_scores(tmp_path / "run") == {}


def flat_log(run: Path) -> dict[tuple[int, str], float]:
    """Return every number of a run's log but its speed."""
    return {(e["step"], name): value for e in read_log(run) for name, value in flatten(e).items() if name not in MEASURED}


def test_a_run_keeps_its_recipe_and_the_fingerprint_of_its_data():
    run, _ = trained()
    recipe, data = read_run(run)
    assert recipe == TINY
    assert len(data) == 16


LEVELS = ("a quiet", "a", "a loud")
TIMES = ("once", "twice", "three times", "four times", "five times", "six times")


def write_synthetic(root: Path, n: int, split: str) -> None:
    """Write clips of 72 captions: what sounds, how loud, how high, how often."""
    rng = np.random.default_rng(len(split))
    samples = []
    for i in range(n):
        kind, level, times = CLASSES[int(rng.integers(4))], int(rng.integers(3)), 1 + int(rng.integers(6))
        part = sound(kind, 1.5 / times, int(rng.integers(1 << 30))) * (0.02, 0.2, 1.0)[level]
        wave = np.concatenate([np.pad(part, (0, len(part) // 2)) for _ in range(times)])
        caption = f"{LEVELS[level]} {kind} {TIMES[times - 1]}"
        samples.append((f"{split}-{i:04}", flac(wave), {"text": [caption], "tag": [kind]}))
    write_shard(root / "Synthetic" / split / "0.tar", samples)
    (root / "Synthetic" / split / "sizes.json").write_text(json.dumps({"0.tar": n}))


@pytest.mark.slow
def test_it_learns_synthetic_sounds_in_100_steps(tmp_path):
    for split, n in (("train", 500), ("valid", 72), ("test", 72)):
        write_synthetic(tmp_path / "set", n, split)
    recipe = load_recipe("tiny", ["steps=100", "batch=32", "lr=1e-3", "valid_every=100"])
    fit(str(tmp_path / "set"), recipe, environment(tmp_path))
    scores = [e["valid"] for e in read_log(tmp_path / "run") if "valid" in e][-1]
    assert scores["t2a"]["R@10"] > 0.5 and scores["a2t"]["R@10"] > 0.5  # chance is 10 / 72
    # The median: at this learning rate, which a hundred steps need, some batches have twice the loss of the next.
    assert np.median(losses(tmp_path / "run")[-30:]) < 0.75 * np.mean(losses(tmp_path / "run")[:5])


def test_a_signal_saves_the_step_in_hand_and_the_resumed_run_has_the_same_losses(tmp_path):
    complete, shards = trained()

    def interrupt(text: str) -> None:
        if text.startswith("step     4") or " 4/6" in text:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="stopped after step 4, which is saved") as caught:
        fit(str(shards), replace(TINY, log_every=1), replace(environment(tmp_path), report=interrupt))
    assert caught.value.number == signal.SIGTERM and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert [load_checkpoint(path)["step"] for path in checkpoints(tmp_path / "run")] == [3, 4]
    fit(str(shards), replace(TINY, log_every=1), environment(tmp_path), resume="auto")
    assert losses(tmp_path / "run") == losses(complete)


@pytest.mark.parametrize(("key", "value", "steps"), [("save_every", 2, [4, 5, 6]), ("save_minutes", 1e-9, [4, 5, 6])])
def test_checkpoints_are_saved_between_validations(tmp_path, key, value, steps):
    complete, shards = trained()
    fit(str(shards), replace(TINY, **{key: value}, keep=3, valid_every=5), environment(tmp_path))
    assert [load_checkpoint(path)["step"] for path in checkpoints(tmp_path / "run")] == steps
    assert losses(tmp_path / "run") == losses(complete)


def test_a_signal_ends_a_validation_which_is_done_again_when_the_run_is_resumed(tmp_path, monkeypatch):
    complete, shards = trained()

    def interrupted(*_) -> dict:
        os.kill(os.getpid(), signal.SIGTERM)
        return {}

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="after step 3"):
        patch.setattr("train.fit.score", interrupted)
        fit(str(shards), TINY, environment(tmp_path))
    assert [load_checkpoint(path)["step"] for path in checkpoints(tmp_path / "run")] == [3]
    fit(str(shards), TINY, environment(tmp_path), resume="auto")
    assert read_scores(tmp_path / "run") == read_scores(complete) and losses(tmp_path / "run") == losses(complete)
    assert load_checkpoint(tmp_path / "run" / "best.pt")["step"] == load_checkpoint(complete / "best.pt")["step"]


def read_scores(run: Path) -> dict[int, dict]:
    """Return the scores of every validation in a run's log, by step; each step once."""
    scores = [(e["step"], e["valid"]) for e in read_log(run) if "valid" in e]
    assert len(scores) == len(dict(scores))
    return dict(scores)


def test_auto_begins_a_run_where_there_is_none(tmp_path):
    complete, shards = trained()
    fit(str(shards), TINY, environment(tmp_path), resume="auto")
    assert losses(tmp_path / "run") == losses(complete)


@pytest.mark.parametrize("size", [0, 1000, -1])
def test_auto_takes_an_older_checkpoint_where_the_newest_is_cut_and_the_other_ways_name_it(tmp_path, size):
    complete, shards = trained()
    shutil.copytree(complete, tmp_path / "run")
    older, newest = checkpoints(tmp_path / "run")
    newest.write_bytes(newest.read_bytes()[:size])
    for resume in ("no", "yes"):
        with pytest.raises(BadInput, match=rf"{newest.name} is no readable checkpoint.*{older.name} is the newest that can be read"):
            fit(str(shards), TINY, environment(tmp_path), resume=resume)
    lines: list[str] = []
    fit(str(shards), TINY, environment(tmp_path, lines), resume="auto")
    assert any(line.startswith(f"{newest} is no readable checkpoint") and line.endswith(f"continuing from {older}") for line in lines)
    assert losses(tmp_path / "run") == losses(complete) and load_checkpoint(newest)["step"] == 6


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    _, shards = trained()
    with folder_lock(tmp_path / "run"), pytest.raises(BadInput, match=r"another process trains in .*run now"):
        fit(str(shards), TINY, environment(tmp_path), resume="auto")
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"recipe": 1, "data": ""}', '{"recipe": {}}'])
def test_a_damaged_run_json_is_named(tmp_path, content):
    complete, shards = trained()
    shutil.copytree(complete, tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text(content)
    with pytest.raises(BadInput, match=r"run\.json is damaged"):
        fit(str(shards), TINY, environment(tmp_path), resume="auto")

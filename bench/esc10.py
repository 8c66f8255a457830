"""`python -m bench.esc10 FOLDER`: train on two folds of ESC-10, classify the third by text prompts, print accuracy and minutes.

FOLDER holds the sounds and `manifest.jsonl`, one object a clip: `path`, `label`, `split` (fold1, fold2, fold3), `raw.fsid` (Freesound id).
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from bench.measure import cost_of
from train.data.samples import Example, FixedClips
from train.data.shards import find_shards
from train.scores.protocols import PROMPT

RECIPE = 'name = "esc10"\nlocal_files = [{folder}]\n[[sources]]\nsource = "table"\ndataset = "esc10"\npath = "clips.csv"\n'
SETTINGS = ["audio=cnn14", "text=clip", "fusion=none", "batch=16", "steps=300", "lr=1e-3", "warmup=30", "valid_every=300"]


def main(arguments: list[str]) -> int:
    """Build shards, train once a seed, classify the held-out fold, and print the accuracies."""
    parser = argparse.ArgumentParser(prog="python -m bench.esc10", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--test", default="fold3", help="the fold that is held out")
    parser.add_argument("--train", nargs="+", default=["fold1", "fold2"], metavar="FOLD")
    parser.add_argument("--seeds", nargs="+", type=int, default=[3407, 1, 2])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="change keys of the training recipe")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="esc10-") as temporary:
        root = Path(temporary)
        n = write_table(options.folder.resolve(), root / "clips.csv", options.train, options.test)
        (root / "recipe.toml").write_text(RECIPE.format(folder=json.dumps(str(options.folder.resolve()))))
        command("pipeline", "build", str(root / "recipe.toml"), "--output", str(root / "shards"))
        say(f"{n['train']} clips to train on, {n['valid']} to validate on, {n['test']} of {options.test} to classify")
        say(f"linear probe on mean and deviation of 64 log-mels {logmel_probe(root):.3f}")
        learn(root, "untrained", ["lr=0", "steps=1"])
        zero_shot = [learn(root, f"seed {seed}", [*options.set, f"seed={seed}"]) for seed in options.seeds]
        spread = f", deviation {statistics.stdev(zero_shot):.3f}" if len(zero_shot) > 1 else ""
        say(f"zero-shot, {len(zero_shot)} seeds: mean {statistics.mean(zero_shot):.3f}{spread}")
    return 0


def write_table(folder: Path, table: Path, train: list[str], test: str) -> Counter[str]:
    """Write the pipeline's table and return the number of clips of each split.

    The valid split gets one recording a class: the recording with the fewest clips.
    """
    clips = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    n_clips = Counter((clip["label"], clip["raw"]["fsid"]) for clip in clips if clip["split"] in train)
    valid = {min((n, fsid) for (other, fsid), n in n_clips.items() if other == label)[1] for label, _ in n_clips}
    counts: Counter[str] = Counter()
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["url", "id", "caption", "labels", "split"])
        for clip in clips:
            if clip["split"] in (*train, test):
                split = "test" if clip["split"] == test else "valid" if clip["raw"]["fsid"] in valid else "train"
                sound = folder / clip["path"]
                writer.writerow([sound, sound.stem, PROMPT.format(label=clip["label"]), clip["label"], split])
                counts[split] += 1
    return counts


def learn(root: Path, name: str, changes: list[str]) -> float:
    """Train a run, print its accuracies on the held-out fold, and return the zero-shot accuracy."""
    run, shards, began = str(root / name.replace(" ", "-")), str(root / "shards"), time.monotonic()
    cost = cost_of(
        lambda: command("train", "fit", shards, "--output", run, "--device", "cpu", "--recipe", "tiny", "--set", *SETTINGS, *changes)
    )
    minutes = (time.monotonic() - began) / 60
    zero_shot, linear = (classify(run, shards, how) for how in ([], ["--supervised", "linear"]))
    say(f"{name}: zero-shot {zero_shot:.3f}, linear probe {linear:.3f}; {minutes:.1f} minutes, {cost.cpu / 60:.1f} of CPU")
    return zero_shot


def classify(run: str, shards: str, how: list[str]) -> float:
    return json.loads(command("train", "classify", run, shards, "--json", "--device", "cpu", *how))["accuracy"]


def command(*words: str) -> str:
    """Run one of the project's commands and return what it printed; its errors go to the terminal."""
    return subprocess.run([sys.executable, "-m", *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def logmel_probe(root: Path) -> float:
    """Return the accuracy of logistic regression on features without training: mean and standard deviation of each mel band."""
    (x, y), (unseen, truth) = (logmel_statistics(root, split) for split in ("train", "test"))
    names = sorted(set(y))
    x, unseen = (x - x.mean(0)) / x.std(0), (unseen - x.mean(0)) / x.std(0)
    torch.manual_seed(0)
    head, wanted = torch.nn.Linear(x.shape[1], len(names)), torch.tensor([names.index(label) for label in y])
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2, weight_decay=1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(head(x), wanted).backward()
        optimizer.step()
    return statistics.mean(names[int(row)] == label for row, label in zip(head(unseen).argmax(1), truth, strict=True))


def logmel_statistics(root: Path, split: str) -> tuple[torch.Tensor, list[str]]:
    """Return mean and standard deviation over time of each mel band, float32 `(n_clips, 128)`, and the labels."""
    clips = FixedClips(find_shards(str(root / "shards"), split), False, root)
    examples = [clip for clip in (clips[i] for i in range(len(clips))) if isinstance(clip, Example)]
    mels = [clip.features.mel[0] for clip in examples]
    return torch.stack([torch.cat([mel.mean(0), mel.std(0)]) for mel in mels]), [clip.tags[0] for clip in examples]


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

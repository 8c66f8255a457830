"""The table that `bench/esc10.py` writes keeps recordings and folds apart."""

import csv
import json

from bench.esc10 import write_table


def clip(name, label, fold, fsid):
    return json.dumps({"path": f"{name}.ogg", "label": label, "split": fold, "raw": {"fsid": fsid}})


def test_valid_has_whole_recordings_of_every_class_and_test_only_the_held_out_fold(tmp_path):
    rows = [
        clip(f"{label}{i}", label, f"fold{i % 3 + 1}", f"{label}-{i // 6 if i % 3 < 2 else i}")
        for label in ("rain", "dog")
        for i in range(12)
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(rows))
    counts = write_table(tmp_path, tmp_path / "clips.csv", ["fold1", "fold2"], "fold3")
    with (tmp_path / "clips.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    recordings = {
        split: {(row["labels"], int(row["id"].removeprefix(row["labels"])) // 6) for row in table if row["split"] == split}
        for split in counts
    }
    assert recordings["valid"] == {("rain", 0), ("dog", 0)} and not recordings["valid"] & recordings["train"]
    assert {row["id"] for row in table if row["split"] == "test"} == {f"{x}{i}" for x in ("rain", "dog") for i in (2, 5, 8, 11)}
    assert counts == {"train": 8, "valid": 8, "test": 8}
    assert {row["caption"] for row in table} == {"This is a sound of rain.", "This is a sound of dog."}

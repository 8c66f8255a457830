"""Read a set through mlcroissant, and print what it found as JSON: `python -m tests.read_croissant croissant.json`."""

from __future__ import annotations

import io
import json
import sys

import mlcroissant
import soundfile


def main(path: str) -> None:
    """Validate the description, load all records of all record sets, decode their audio, and print counts and texts."""
    dataset = mlcroissant.Dataset(jsonld=path)
    issues = dataset.metadata.ctx.issues
    result: dict = {"errors": sorted(issues.errors), "version": str(dataset.metadata.ctx.conforms_to.value).rpartition("/")[2]}
    result |= {"n_records": 0, "keys": [], "texts": [], "origins": [], "frames": 0}
    for name in (record_set.id for record_set in dataset.metadata.record_sets):
        for record in dataset.records(name):
            captions = record[f"{name}/captions"]
            result["n_records"] += 1
            result["keys"].append(record[f"{name}/key"].decode())
            result["texts"].append([each[f"{name}/captions/text"].decode() for each in captions])
            result["origins"] += [each[f"{name}/captions/origin"].decode() for each in captions]
            samples, rate = soundfile.read(io.BytesIO(record[f"{name}/audio"]), dtype="int16")
            assert (rate, samples.ndim) == (48_000, 1)
            result["frames"] += len(samples)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

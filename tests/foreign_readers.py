"""Read a built set with the program of others, unmodified: `python tests/foreign_readers.py NAME FOLDER SPLIT`, as `make readers` does.

Prints one JSON object a sample: `key`, `text`, `n_frames` and `sha256` of its 16-bit frames. Imports nothing of this project, so that only
the other program decides what is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

Row = dict[str, Any]
LONGEST = 48_000 * 20
"""Frames that laion-clap pads every clip to: more than any clip of the set has."""


def row(key: str, text: Any, frames: np.ndarray) -> Row:
    """Return what was read of one sample; `frames` are int16 `(n_frames,)`, or floats from -1 to 1."""
    if frames.dtype != np.int16:
        frames = np.rint(np.asarray(frames, np.float64) * 32_768).clip(-32_768, 32_767).astype(np.int16)
    return {"key": key, "text": text, "n_frames": len(frames), "sha256": hashlib.sha256(frames.tobytes()).hexdigest()}


def shards(root: Path, split: str) -> list[str]:
    """Return the tars of a split, as their numbers go."""
    return [str(path) for path in sorted(root.glob(f"*/{split}/*.tar"), key=lambda path: (path.parent, int(path.stem)))]


def webdataset(root: Path, split: str) -> Iterator[Row]:
    """Read by `webdataset`, its own decoders of FLAC and JSON."""
    import soundfile
    import webdataset as wds

    def flac(key: str, data: bytes) -> Any:
        return soundfile.read(io.BytesIO(data), dtype="int16")[0] if key.endswith("flac") else None

    for sample in wds.WebDataset(shards(root, split), shardshuffle=False, empty_check=False).decode(flac):
        yield row(sample["__key__"], sample["json"]["text"], sample["flac"])


def datasets(root: Path, split: str) -> Iterator[Row]:
    """Read by HuggingFace `datasets` from the folder alone, as its README.md says; audio is decoded by `datasets` too."""
    from datasets import Audio, load_dataset

    loaded = load_dataset(str(root), split=split).cast_column("flac", Audio())
    for sample in loaded:
        decoded = sample["flac"].get_all_samples()
        assert decoded.sample_rate == 48_000
        yield row(sample["__key__"], sample["json"]["text"], decoded.data[0].numpy())


def laion_clap(root: Path, split: str) -> Iterator[Row]:
    """Read by the data pipeline of laion-clap 1.1.7, that of the paper: `get_wds_dataset`, with its sizes.json, collation and truncation.

    Only its tokenizer is replaced, since it loads from a model hub. It scales 16-bit frames by 32,767 and back, so some lose one step.
    """
    import importlib
    import importlib.util
    from argparse import Namespace

    import torch
    import transformers

    spec = importlib.util.find_spec("laion_clap")
    assert spec and spec.submodule_search_locations
    sys.path.append(spec.submodule_search_locations[0])
    for name in ("BertTokenizer", "RobertaTokenizer", "BartTokenizer"):
        getattr(transformers, name).from_pretrained = classmethod(lambda cls, *a, **k: None)
    data = importlib.import_module("training.data")
    data.tokenizer = lambda texts, **_: {"input_ids": torch.zeros(1)}
    args = Namespace(
        val_data=shards(root, split), remotedata=False, parallel_eval=False, batch_size=4, workers=1, horovod=False, val_num_samples=0,
        class_index_dict=None, data_filling="pad", data_truncating="rand_trunc", text_augment_selection=None, tmodel="roberta",
        prefetch_factor=None, seed=0, world_size=1,
    )  # fmt: skip
    audio = {"sample_rate": 48_000, "window_size": 1024, "hop_size": 480, "mel_bins": 64, "fmin": 50, "fmax": 14_000}
    info = data.get_wds_dataset(args, {"audio_cfg": audio}, is_train=False, is_local=True, max_len=LONGEST)
    n_samples = 0
    for batch in info.dataloader:
        for key, texts, wave in zip(batch["__key__"], batch["full_text"], batch["waveform"], strict=True):
            n_samples += 1
            yield row(key, texts, np.rint(wave.numpy() * 32_767).astype(np.int16))
    assert n_samples == info.dataloader.num_samples  # what it reads from sizes.json


def lhotse(root: Path, split: str) -> Iterator[Row]:
    """Read into lhotse's recordings: its `Recording.from_bytes` over the tars, and its own decoding."""
    import webdataset as wds
    from lhotse import Recording

    for sample in wds.WebDataset(shards(root, split), shardshuffle=False, empty_check=False):
        recording = Recording.from_bytes(sample["flac"], sample["__key__"])
        assert recording.sampling_rate == 48_000 and recording.num_channels == 1
        yield row(recording.id, json.loads(sample["json"])["text"], recording.load_audio()[0])


def energon(root: Path, split: str) -> Iterator[Row]:
    """Read by Megatron-Energon: `energon prepare` indexes the tars as they are, and its loader gives each sample once.

    It writes its index beside the tars, so it gets a folder of links.
    """
    import subprocess
    import tempfile

    import soundfile
    from megatron.energon import (
        Cooker,
        DefaultTaskEncoder,
        Sample,
        WorkerConfig,
        basic_sample_keys,
        edataclass,
        get_loader,
        get_val_dataset,
        stateless,
    )

    @edataclass
    class Pair(Sample):
        flac: bytes
        json: Any

    @stateless
    def cook(sample: dict[str, Any]) -> Pair:
        return Pair(**basic_sample_keys(sample), flac=sample["flac"], json=sample["json"])

    class AsItIs(DefaultTaskEncoder):
        cookers: ClassVar = [Cooker(cook)]
        decoder = None  # bytes, as it reads them

    with tempfile.TemporaryDirectory() as folder:
        for n, path in enumerate(shards(root, split)):
            (Path(folder) / f"{n}.tar").symlink_to(path)
        program = str(Path(sys.executable).parent / "energon")
        options = ["--non-interactive", "--split-ratio", "0,1,0", "--sample-type", "CrudeWebdataset"]
        subprocess.run([program, "prepare", folder, *options], check=True, stdout=sys.stderr, stdin=subprocess.DEVNULL)
        dataset = get_val_dataset(
            folder, worker_config=WorkerConfig(rank=0, world_size=1, num_workers=0), batch_size=None, task_encoder=AsItIs()
        )
        for sample in get_loader(dataset):
            frames, _ = soundfile.read(io.BytesIO(sample.flac), dtype="int16")
            text = sample.json if isinstance(sample.json, dict) else json.loads(sample.json)
            yield row(sample.__key__.rpartition("/")[2], text["text"], frames)


def mlcroissant(root: Path, split: str) -> Iterator[Row]:
    """Read by mlcroissant, from croissant.json alone."""
    import mlcroissant as mlc
    import soundfile

    described = mlc.Dataset(jsonld=str(root / "croissant.json"))
    for record in described.records(record_set=split):
        fields = {name.rpartition("/")[2]: value for name, value in record.items()}
        frames, _ = soundfile.read(io.BytesIO(fields["audio"]), dtype="int16")
        yield row(fields["key"], fields["text"], frames)


READERS: dict[str, Callable[[Path, str], Iterator[Row]]] = {
    each.__name__: each for each in (webdataset, datasets, laion_clap, lhotse, energon, mlcroissant)
}

if __name__ == "__main__":
    name, root, split = sys.argv[1:]
    for each in READERS[name](Path(root), split):
        print(json.dumps(each, default=lambda value: value.decode() if isinstance(value, bytes) else list(value)))

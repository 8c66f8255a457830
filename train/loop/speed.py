"""Measure a run: clips a second, seconds waited for data, memory, and the share of the device's peak that the model uses (MFU)."""

import resource
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch.utils.flop_counter import FlopCounterMode

from train.evaluate import evaluation_mode
from train.loop.modes import is_trained
from train.towers.features import MEL_FRAMES, N_MELS
from train.towers.model import Batch, Clap

TOKENS = 16  # of the caption whose operations are counted
PEAKS = {  # operations a second: products of bf16 and fp16, then of fp32; NVIDIA's data sheets, without sparsity
    "B200": (2.25e15, 75e12),
    "H200": (989e12, 67e12),
    "H100 PCIe": (756e12, 51e12),
    "H100": (989e12, 67e12),
    "A100": (312e12, 19.5e12),
    "L40S": (362e12, 91.6e12),
    "L4": (121e12, 30.3e12),
    "A10": (125e12, 31.2e12),
    "V100": (125e12, 15.7e12),
    "T4": (65e12, 8.1e12),
}


@dataclass(frozen=True)
class Work:
    """Operations (two for a multiplication with an addition) of embedding once: a clip, and a token of its caption."""

    clip: float
    token: float

    def of_step(self, batch: Batch, model: Clap) -> float:
        """Return the operations of a step with a batch. Padding counts: it is computed.

        The backward pass of a tower that is trained counts twice its forward pass. What is computed again to save memory is not counted.
        """
        audio, text = (3 if is_trained(tower) else 1 for tower in (model.audio_branch, model.text_branch))
        return audio * len(batch.mel) * self.clip + text * batch.ids.numel() * self.token


def count_work(model: Clap) -> Work:
    """Count the operations of one clip and one caption by embedding them. Nothing of the model changes."""
    with evaluation_mode(model) as device, torch.compiler.set_stance("force_eager"):
        mel = torch.zeros(1, 4 if model.fused else 1, MEL_FRAMES, N_MELS, device=device)
        ids = torch.ones(1, TOKENS, dtype=torch.long, device=device)
        with FlopCounterMode(display=False) as clip:
            model.embed_audio(mel, torch.tensor([model.fused], device=device))
        with FlopCounterMode(display=False) as caption:
            model.embed_text(ids, torch.ones_like(ids))
    return Work(clip.get_total_flops(), caption.get_total_flops() / TOKENS)


def peak_of(device: torch.device, precision: str) -> float:
    """Return the operations a second of a device: by its data sheet, or, for devices not in PEAKS, the most that a product reaches here."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    for part, (half, single) in PEAKS.items():
        if part in name.replace("-", " "):
            return single if precision == "fp32" else half
    return measured_peak(device)


def measured_peak(device: torch.device, rounds: int = 4) -> float:
    """Return the operations a second of the fastest of some fp32 products of matrices; the first is not counted."""
    side = 512 if device.type == "cpu" else 4096
    x, fastest = torch.ones(side, side, device=device), float("inf")
    for turn in range(rounds):
        began = time.perf_counter()
        (x @ x)[0, 0].item()  # waits for the device
        fastest = min(fastest, time.perf_counter() - began) if turn else fastest
    return 2 * side**3 / fastest


def peak_memory(device: torch.device) -> float:
    """Return the most memory in GB that this process had until now: of the device, or of the machine for a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


@dataclass
class Meter:
    """Time the steps of this rank. peak: operations a second of its device."""

    model: Clap
    work: Work
    peak: float
    device: torch.device
    waited: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    def batches(self, loader: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the loader's batches, and note how long each was waited for."""
        batches = iter(loader)
        while True:
            began = time.perf_counter()
            batch = next(batches, None)
            self.waited = time.perf_counter() - began
            if batch is None:
                return
            yield batch

    def restart(self) -> None:
        """Begin a step now, so that what was done since the last one (a validation, a checkpoint) is not part of it."""
        self.began = time.perf_counter()

    def step(self, batch: Batch, n_clips: int) -> dict[str, float]:
        """Return the figures of the step that ends now, of which `batch` is this rank's share. n_clips: of all ranks."""
        seconds = time.perf_counter() - self.began
        self.restart()
        return {
            "clips_per_second": n_clips / seconds,
            "data_seconds": self.waited,
            "memory_gb": peak_memory(self.device),
            "mfu": self.work.of_step(batch, self.model) / seconds / self.peak,
        }


MEASURED = ("clips_per_second", "data_seconds", "memory_gb", "mfu")
"""Names in the log that depend on the machine and not on the recipe alone."""

"""Run a T5 on batches of keyword sets, through Beam's RunInference."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apache_beam.ml.inference.base import ModelHandler

from augment.keyword_to_caption import T5Settings, candidates, prompt
from augment.text_models import Model, load
from pipeline.output.t5_files import GeneratedTexts

Batch = tuple[tuple[str, ...], ...]
"""Keyword sets with distinct prompts of similar length: together one batch of the model."""


@dataclass(frozen=True)
class LockedModel:
    """A model with a lock, because its tokenizer keeps the padding of a call and so serves one thread at a time."""

    model: Model
    lock: threading.Lock = field(default_factory=threading.Lock)


class T5Handler(ModelHandler[Batch, tuple[GeneratedTexts, ...], LockedModel]):
    """Load one T5 a process, which all threads share; only its path is pickled.

    An element is a whole batch, which becomes one file: Beam must not join or divide them.
    """

    def __init__(self, path: str, digest: str, settings: T5Settings):
        super().__init__()
        self.path = path
        self.digest = digest
        self.settings = settings

    def load_model(self) -> LockedModel:
        """Return the model. Beam calls this when a worker starts.

        Raises:
            ValueError: this worker has no such model, or one with other files than where planning began.
        """
        model = load(self.path)
        if model.digest != self.digest:
            raise ValueError(
                f"{self.path}: this worker has another model (sha256 {model.digest[:12]}) than the machine where planning began "
                f"({self.digest[:12]}); copy the same files to every worker"
            )
        return LockedModel(model)

    def run_inference(
        self, batch: Sequence[Batch], model: LockedModel, inference_args: Mapping[str, Any] | None = None
    ) -> Iterable[tuple[GeneratedTexts, ...]]:
        """Yield the generated texts of each batch, in order."""
        for sets in batch:
            with model.lock:
                texts = candidates(model.model, sets, self.settings)
            prompts = (prompt(keywords, self.settings) for keywords in sets)
            yield tuple(GeneratedTexts(asked, tuple(best_first)) for asked, best_first in zip(prompts, texts, strict=True))

    def batch_elements_kwargs(self) -> Mapping[str, Any]:
        """Return that Beam must not join elements: each is a batch already."""
        return {"min_batch_size": 1, "max_batch_size": 1}

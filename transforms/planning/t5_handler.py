"""Batches of keyword sets -> what a T5 writes for them, through Beam's RunInference."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apache_beam.ml.inference.base import ModelHandler

from augment.keyword_to_caption import Model, T5Settings, candidates, load, prompt
from pipeline.output.t5_files import Written

Batch = tuple[tuple[str, ...], ...]
"""Keyword sets with prompts of a like length, all different: together one batch of the model."""


@dataclass(frozen=True)
class Loaded:
    """A model with the lock of its tokenizer, which remembers the padding of the last call and so serves one thread at a time."""

    model: Model
    lock: threading.Lock = field(default_factory=threading.Lock)


class T5Handler(ModelHandler[Batch, tuple[Written, ...], Loaded]):
    """Loads one T5 a process, which all threads share; what is pickled is its name.

    An element is a whole batch: Beam must not join or divide them, because in bfloat16 a caption may depend on the others
    of its batch.
    """

    def __init__(self, model: str, digest: str, settings: T5Settings):
        super().__init__()
        self.model = model
        self.digest = digest
        self.settings = settings

    def load_model(self) -> Loaded:
        """Return the model; called in the set-up of a worker.

        Raises:
            ValueError: it is not here, or it is not the one that the plan began with.
        """
        model = load(self.model)
        if model.digest != self.digest:
            raise ValueError(
                f"{self.model}: another model on this worker ({model.digest[:12]}) than where planning began ({self.digest[:12]})"
            )
        return Loaded(model)

    def run_inference(
        self, batch: Sequence[Batch], model: Loaded, inference_args: Mapping[str, Any] | None = None
    ) -> Iterable[tuple[Written, ...]]:
        """Yield what is written for each batch."""
        for sets in batch:
            with model.lock:
                found = candidates(model.model, sets, self.settings)
            prompts = (prompt(keywords, self.settings) for keywords in sets)
            yield tuple(Written(text, tuple(texts)) for text, texts in zip(prompts, found, strict=True))

    def batch_elements_kwargs(self) -> Mapping[str, Any]:
        """Return how Beam is to batch elements: not at all, they are batches."""
        return {"min_batch_size": 1, "max_batch_size": 1}

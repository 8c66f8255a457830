"""Write a trained model as a folder that transformers loads: ClapModel, ClapProcessor, the zero-shot-audio-classification pipeline."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from transformers import ClapModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from train.errors import BadInput
from train.hub.carried import write_extractor
from train.hub.feature_extraction import FixedClapFeatureExtractor
from train.hub.model_card import MARK, CardFacts, model_card
from train.hub.publish import is_exported
from train.loop.atomic import disk_errors
from train.loop.checkpoint import Run
from train.towers.clap_model import to_transformers
from train.towers.features import SAMPLE_RATE, clip_features
from train.towers.tokenizer import tokenize

ALLOWED = 1e-5  # difference of an embedding's numbers
CHECKED_SECONDS = (0.5, 10.0, 25.0)  # clips that are compared: short, of exactly one window, and long
CHECKED_TEXTS = ("a dog barks", "This is a sound of rain that falls on the roof of a car.")


def export(run: Run, folder: Path, facts: CardFacts) -> CardFacts:
    """Write weights, feature extractor, tokenizer and model card. Return the facts of the card with the difference that was measured.

    Raise BadInput if transformers does not have the towers, if the folder has other files, or if what was written does not give
    the embeddings of the run.
    """
    check_folder(folder)
    model = to_transformers(run.model)
    with disk_errors(folder):
        model.save_pretrained(str(folder))
        exported_tokenizer(run).save_pretrained(str(folder))
    write_extractor(folder, run.model.fused)
    facts = replace(facts, difference=largest_difference(run, ClapModel.from_pretrained(str(folder)).eval()))
    if not facts.difference <= ALLOWED:
        raise BadInput(f"{folder}: transformers gives other embeddings than this trainer, by {facts.difference:.0e}; do not use the folder")
    card = folder / "README.md"
    if not card.exists() or MARK in card.read_text(encoding="utf-8"):
        card.write_text(model_card(run, folder.resolve().name, facts), encoding="utf-8")
    return facts


def check_folder(folder: Path) -> None:
    """Raise BadInput unless a folder is new, empty or written by an earlier export."""
    if folder.exists() and not (folder.is_dir() and (is_exported(folder) or not any(folder.iterdir()))):
        raise BadInput(f"{folder} has other files; give a new folder, or one that `export` wrote before")


def exported_tokenizer(run: Run) -> PreTrainedTokenizerBase:
    """Return a copy of the run's tokenizer that cuts texts where training cut them, if asked to, and warns of longer ones."""
    tokenizer = copy.deepcopy(run.tokenizer)
    tokenizer.model_max_length = run.recipe.context
    if isinstance(tokenizer, PreTrainedTokenizerFast):  # what the last call set would be saved
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    return tokenizer


@torch.inference_mode()
def largest_difference(run: Run, exported: ClapModel) -> float:
    """Return by how much a number of an embedding differs between a run and an exported model, at most, for some clips and texts."""
    model = copy.deepcopy(run.model).cpu()  # other devices round more
    rng = np.random.default_rng(0)
    clips = [rng.normal(0, 0.1, int(seconds * SAMPLE_RATE)).astype(np.float32) for seconds in CHECKED_SECONDS]
    features = [clip_features(torch.from_numpy(clip), model.fused) for clip in clips]
    ids, mask = tokenize(run.tokenizer, list(CHECKED_TEXTS), run.recipe.context)
    audio = model.embed_audio(torch.stack([f.mel for f in features]), torch.tensor([f.longer for f in features]))
    inputs = FixedClapFeatureExtractor(model.fused)(clips, sampling_rate=SAMPLE_RATE, return_tensors="pt")
    their_audio, their_text = exported.get_audio_features(**inputs), exported.get_text_features(ids, mask)
    return float(max((their_audio.pooler_output - audio).abs().max(), (their_text.pooler_output - model.embed_text(ids, mask)).abs().max()))

"""Build the model that a run begins with, from random weights or those that the recipe names; or that of a checkpoint."""

from itertools import islice
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from train.data.samples import Clips
from train.loop.checkpoint import load_run, load_weights, read_run
from train.recipe import TrainRecipe
from train.start import RunEnvironment, Start
from train.towers.model import Clap, build_model
from train.towers.pretrained import load_pretrained, read_weights
from train.towers.text import check_tower, pretrained_config
from train.towers.tokenizer import count_truncated, load_tokenizer, train_tokenizer
from train.towers.trained import TrainedModel, check_same_towers, read_clap

CAPTIONS_CHECKED = 1000  # captions compared with the context, when the tokenizer is not trained on them
MOST_LEARNT = 100_000  # samples whose captions a tokenizer is trained on
OF_THE_LOSS = ("logit_scale_a", "logit_bias")  # weights that belong to one loss


def begin_model(recipe: TrainRecipe, clips: Clips, environment: RunEnvironment, start: Start) -> tuple[Clap, PreTrainedTokenizerBase]:
    """Build the model, with its weights, and the tokenizer. Weights that the recipe names are not read where a run is resumed.

    Raise BadInput, before a model is built, if these weights cannot be read or do not fit to the recipe.
    """
    trained = read_trained(recipe) if recipe.weights and not start.path else None
    audio = read_weights(Path(recipe.audio_weights)) if recipe.audio_weights and not start.path else None
    tokenizer = get_tokenizer(recipe, clips, environment, trained, start.is_resumed)
    config = trained.text if trained else pretrained_config(recipe.text, str(environment.output / "text")) if start.path else None
    torch.manual_seed(recipe.seed)
    model = build_model(recipe, tokenizer, config)
    if trained:
        load_trained(model, trained, recipe.weights)
        environment.report_once(f"{recipe.weights}: loaded {len(trained.weights)} weights (both towers)")
    if audio:
        environment.report_once(load_pretrained(model, audio, recipe.audio_weights))
    if start.path:
        load_weights(model, start.checkpoint["model"], str(start.path))
    return model, tokenizer


def read_trained(recipe: TrainRecipe) -> TrainedModel:
    """Read the model of recipe.weights: a run, or transformers' ClapModel.

    Raise BadInput if it is neither, or if its towers are not those of the recipe.
    """
    folder = Path(recipe.weights)
    if not (folder / "run.json").is_file():
        return read_clap(recipe)
    theirs, _ = read_run(folder)
    check_same_towers(recipe, {key: getattr(theirs, key) for key in ("audio", "text", "size", "fusion")})
    run = load_run(folder, torch.device("cpu"))
    return TrainedModel(run.model.state_dict(), run.model.text_branch.config, run.tokenizer, theirs.loss == "sigmoid")


def load_trained(model: Clap, trained: TrainedModel, where: str) -> None:
    """Load the weights of a trained model. Temperature and bias are left as they are if it was trained by another loss."""
    own = model.state_dict()
    kept = {name: own[name] for name in OF_THE_LOSS if name in own} if trained.is_sigmoid != (model.logit_bias is not None) else {}
    weights = {name: weight for name, weight in trained.weights.items() if not kept or name not in OF_THE_LOSS}
    load_weights(model, weights | kept, where)


def get_tokenizer(
    recipe: TrainRecipe, clips: Clips, environment: RunEnvironment, trained: TrainedModel | None, is_resumed: bool
) -> PreTrainedTokenizerBase:
    """Load the text tower's tokenizer, or train one on the captions. Report how many captions the context cuts."""
    if is_resumed:
        return load_tokenizer(str(environment.output / "tokenizer"))
    if trained or recipe.text_weights:
        tokenizer = trained.tokenizer if trained else load_tokenizer(recipe.text_weights)
        config = trained.text if trained else pretrained_config(recipe.text, recipe.text_weights)
        check_tower(config, tokenizer, recipe.context, recipe.checkpointing)
        captions = list(islice(clips.all_captions(CAPTIONS_CHECKED), CAPTIONS_CHECKED))
    else:
        captions = sorted(set(clips.all_captions(MOST_LEARNT)))
        tokenizer = train_tokenizer(captions, recipe.vocabulary, recipe.context)
    n_cut = count_truncated(tokenizer, captions, recipe.context)
    if n_cut:
        environment.report_once(f"{n_cut} of {len(captions)} captions are longer than the context of {recipe.context} tokens and are cut")
    return tokenizer

"""Load pretrained weights, recognised by their layout: LAION's CLAP, HTSAT trained on AudioSet, PANNs' CNN14."""

import re
from pathlib import Path

from torch import Tensor

from train.errors import BadInput
from train.loop.checkpoint import read_torch
from train.towers.model import Clap

UNUSED = re.compile(  # heads, front-ends, buffers and a second pair of projections that CLAP's embeddings do not use
    r"^(audio_branch\.(spectrogram_extractor|logmel_extractor|tscam_conv|head|fc_audioset|fusion_model\.global_att2|patch_embed\.fusion_model\.global_att2)\b"
    r"|audio_transform|text_transform|logit_scale_t|attn_mask|.*\.(attn_mask|relative_position_index|position_ids|num_batches_tracked)$)"
)
NEW_IN_CLAP = re.compile(r"^audio_branch\.(patch_embed\.)?(mel_conv2d|fusion_model)\.")
CLIP_NAMES = (
    ("text_branch.resblocks.", "text_branch.encoder.layers."),
    (".ln_1.", ".layer_norm1."),
    (".ln_2.", ".layer_norm2."),
    (".attn.out_proj.", ".self_attn.out_proj."),
    (".mlp.c_fc.", ".mlp.fc1."),
    (".mlp.c_proj.", ".mlp.fc2."),
    ("token_embedding.", "text_branch.embeddings.token_embedding."),
    ("ln_final.", "text_branch.final_layer_norm."),
)


def load_pretrained(model: Clap, weights: dict[str, Tensor], path: str) -> str:
    """Load the result of read_weights into a model and return a message. path: of the checkpoint, for messages.

    Raise BadInput, and load nothing, if a weight is missing, unknown or of another shape. Audio checkpoints have no fusion weights.
    """
    own = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    both = any(name.startswith("text_branch.") for name in weights)
    wanted = {k for k in own if both or k.startswith("audio_branch.")}
    missing = sorted(k for k in wanted - weights.keys() if not (NEW_IN_CLAP.match(k) and not both))
    unknown = sorted(weights.keys() - own.keys())
    mismatched = sorted(k for k in weights.keys() & own.keys() if weights[k].shape != own[k].shape)
    if missing or unknown or mismatched:
        first = (missing + unknown + mismatched)[0]
        raise BadInput(
            f"{path} is of another model than the recipe's: {len(missing)} weights missing, {len(unknown)} unknown, {len(mismatched)} of "
            f"another shape, the first is {first}; set audio, text, size and fusion to those of the checkpoint"
        )
    model.load_state_dict(weights, strict=False)
    return f"{path}: loaded {len(weights)} of {len(own)} weights ({'both towers' if both else 'the audio tower'})"


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint file and return its weights under our names. Raise BadInput if its layout is unknown."""
    saved = read_torch(path)
    if not isinstance(saved, dict):
        raise BadInput(f"{path} is a checkpoint of another layout: it should hold weights by name")
    named = next((saved[key] for key in ("state_dict", "model") if isinstance(saved.get(key), dict)), saved)
    weights = {str(name).removeprefix("module."): weight for name, weight in named.items() if isinstance(weight, Tensor)}
    if any(name.startswith("audio_branch.") for name in weights):
        weights = clip_names(weights) if "positional_embedding" in weights else weights
    elif any(name.startswith("sed_model.") for name in weights):
        weights = {"audio_branch." + name.removeprefix("sed_model."): weight for name, weight in weights.items()}
    elif "conv_block1.conv1.weight" in weights:
        weights = {"audio_branch." + name: weight for name, weight in weights.items()}
    else:
        raise BadInput(f"{path} has none of the known layouts: LAION's CLAP (audio_branch.*), HTSAT (sed_model.*), CNN14 (conv_block1.*)")
    return {name: weight for name, weight in weights.items() if not UNUSED.match(name)}


def clip_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of a CLIP text transformer to transformers' names, and split query, key and value."""
    renamed: dict[str, Tensor] = {}
    for name, weight in weights.items():
        for theirs, ours in CLIP_NAMES:
            name = name.replace(theirs, ours, 1) if name.startswith(("text_branch.", theirs)) else name
        if match := re.fullmatch(r"(.*)\.attn\.in_proj_(weight|bias)", name):
            for part, rows in zip("qkv", weight.chunk(3), strict=True):
                renamed[f"{match[1]}.self_attn.{part}_proj.{match[2]}"] = rows
        else:
            renamed[name] = weight
    renamed["text_branch.embeddings.position_embedding.weight"] = renamed.pop("positional_embedding")
    return renamed

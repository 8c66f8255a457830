"""Turn a model into transformers' ClapModel with the same weights, where transformers has these towers."""

from typing import Any

from torch import Tensor
from transformers import ClapAudioConfig, ClapConfig, ClapModel, ClapTextConfig, RobertaConfig

from train.errors import BadInput
from train.towers.htsat import Htsat
from train.towers.model import EMBEDDING, SCALE_MAX, Clap

RENAMED = (  # our names (the published ones), transformers' names
    ("audio_branch.bn0.", "audio_model.audio_encoder.batch_norm."),
    ("audio_branch.", "audio_model.audio_encoder."),
    ("text_branch.", "text_model."),
    ("projection.0.", "projection.linear1."),
    ("projection.2.", "projection.linear2."),
    (".norm1.", ".layernorm_before."),
    (".norm2.", ".layernorm_after."),
    (".attn.proj.", ".attention.output.dense."),
    (".attn.relative", ".attention.self.relative"),
    (".mlp.fc1.", ".intermediate.dense."),
    (".mlp.fc2.", ".output.dense."),
)
ROBERTA = ("roberta", "xlm-roberta", "camembert")  # one architecture, with other words
NOT_USED = "logit_bias"  # of the sigmoid loss: the same for all pairs, so that it changes no ranks and no softmax
DERIVED = ("relative_position_index", "position_ids", "token_type_ids")  # buffers that follow from the configuration


def why_not_exported(model: Clap) -> str:
    """Return why a model cannot be exported, or nothing. The towers decide, not their weights: it is known before training."""
    try:
        clap_config(model)
    except BadInput as error:
        return str(error)
    return ""


def to_transformers(model: Clap) -> ClapModel:
    """Return a ClapModel with the same weights. Raise BadInput if transformers does not have these towers."""
    theirs = ClapModel(clap_config(model)).eval()
    missing, unknown = theirs.load_state_dict(rename(model.state_dict()), strict=False)
    unmatched = [name for name in missing if not name.endswith(DERIVED)] + unknown
    if unmatched:
        raise BadInput(f"{len(unmatched)} weights are not in transformers' ClapModel, the first is {unmatched[0]}")
    return theirs


def clap_config(model: Clap) -> ClapConfig:
    """Return the model's configuration for transformers, which has HTSAT with AFF or without fusion, and RoBERTa."""
    audio, text = model.audio_branch, model.text_branch.config
    if not isinstance(audio, Htsat) or text.model_type not in ROBERTA or audio.config.fusion not in ("", "aff"):
        towers = f"{type(audio).__name__} with {text.model_type}, {audio.config.fusion or 'no'} fusion"
        raise BadInput(f"transformers' ClapModel is HTSAT with RoBERTa, with aff fusion or none; this run has other towers: {towers}")
    shared = set(ClapTextConfig().to_dict()) & set(RobertaConfig().to_dict()) - {"model_type", "architectures", "transformers_version"}
    text_config = {key: value for key, value in text.to_dict().items() if key in shared}
    audio_config: dict[str, Any] = {
        "patch_embeds_hidden_size": audio.config.width,
        "hidden_size": audio.config.out_width,
        "depths": list(audio.config.depths),
        "num_attention_heads": list(audio.config.heads),
        "drop_path_rate": audio.config.drop_path,
        "enable_fusion": model.fused,
        "fusion_type": "aff_2d" if model.fused else None,
        "hidden_dropout_prob": 0.0,
    }
    return ClapConfig(text_config=ClapTextConfig(**text_config), audio_config=ClapAudioConfig(**audio_config), projection_dim=EMBEDDING)


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights under transformers' names. Query, key and value are split, and the temperature is written twice."""
    renamed: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if name == NOT_USED:
            continue
        for ours, theirs in RENAMED:
            name = name.replace(ours, theirs, 1)
        if ".attn.qkv." in name:
            for part, rows in zip(("query", "key", "value"), weight.chunk(3), strict=True):
                renamed[name.replace(".attn.qkv.", f".attention.self.{part}.")] = rows
        else:
            renamed[name] = weight
    renamed["logit_scale_a"] = renamed["logit_scale_t"] = weights["logit_scale_a"].clamp(0, SCALE_MAX)  # transformers does not clamp
    return renamed

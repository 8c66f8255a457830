"""HTSAT (Chen et al. 2022): a windowed transformer over a mel image, with the parameter names of the published checkpoints."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from train.towers.features import N_MELS
from train.towers.fusion import FUSIONS, join_parts
from train.towers.specaugment import spec_augment

SIDE = 256  # of the image: 4 quarters of 256 frames, their 64 mels stacked
PATCH = 4
WINDOW = 8


@dataclass(frozen=True)
class HtsatConfig:
    """Sizes of HTSAT; the defaults are HTSAT-tiny. fusion: a key of FUSIONS, or "" for none."""

    width: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (4, 8, 16, 32)
    drop_path: float = 0.1
    fusion: str = "aff"

    @property
    def out_width(self) -> int:
        """Width of the tower's output."""
        return self.width * 2 ** (len(self.depths) - 1)


SIZES = {
    "htsat-tiny": HtsatConfig(),
    "htsat-base": HtsatConfig(width=128, depths=(2, 2, 12, 2)),
    "htsat-mini": HtsatConfig(width=24, depths=(2, 2, 2, 2), heads=(2, 4, 8, 16)),
}


class Htsat(nn.Module):
    """Turn features into one vector for each clip."""

    def __init__(self, config: HtsatConfig):
        super().__init__()
        self.config = config
        self.checkpointing = False
        self.bn0 = nn.BatchNorm2d(N_MELS)
        self.patch_embed = PatchEmbed(config.width, config.fusion)
        rates = torch.linspace(0, config.drop_path, sum(config.depths)).tolist()
        self.layers = nn.ModuleList()
        for i, (depth, heads) in enumerate(zip(config.depths, config.heads, strict=True)):
            side = SIDE // PATCH // 2**i
            last = i == len(config.depths) - 1
            self.layers.append(Stage(config.width * 2**i, side, depth, heads, rates[:depth], last))
            rates = rates[depth:]
        self.norm = nn.LayerNorm(config.out_width)
        self.apply(_initialise)

    def forward(self, mel: Tensor, longer: Tensor) -> Tensor:
        """Turn mels (n, 4 or 1, 1001, 64) in dB into (n, out_width). longer: (n,) bool, clips of more than 10 s, whose parts are fused."""
        x = self.bn0(mel.transpose(1, 3)).transpose(1, 3)
        if self.training:
            x = spec_augment(x)
        rows = torch.nonzero(longer)[:, 0] if self.config.fusion else None
        tokens = self.patch_embed(x, rows)
        for layer in self.layers:
            recompute = self.checkpointing and self.training
            tokens = checkpoint(layer, tokens, use_reentrant=False) if recompute else layer(tokens)
        return self.norm(tokens).mean((1, 2))


def mel_image(mel: Tensor) -> Tensor:
    """Stretch mels (n, channels, 1001, 64) to 1,024 frames and stack the four quarters of time: (n, channels, 256, 256)."""
    n, channels = mel.shape[:2]
    stretched = F.interpolate(mel.float(), (SIDE * SIDE // N_MELS, N_MELS), mode="bicubic", align_corners=True)
    return stretched.view(n, channels, SIDE // N_MELS, SIDE, N_MELS).transpose(3, 4).reshape(n, channels, SIDE, SIDE)


class PatchEmbed(nn.Module):
    """Embed 4x4 patches of the global mel. For longer clips, fuse 4x12 patches of front, middle and back into it."""

    def __init__(self, width: int, fusion: str):
        super().__init__()
        self.proj = nn.Conv2d(1, width, PATCH, PATCH)
        self.norm = nn.LayerNorm(width)
        if fusion:
            self.mel_conv2d = nn.Conv2d(1, width, (PATCH, 3 * PATCH), (PATCH, 3 * PATCH))
            self.fusion_model = FUSIONS[fusion](width)

    def forward(self, mel: Tensor, longer: Tensor | None) -> Tensor:
        """Turn mels (n, channels, 1001, 64) and the indices of longer clips into tokens (n, 64, 64, width)."""
        global_map = self.proj(mel_image(mel[:, :1]))
        if longer is not None and len(longer):
            parts = self.mel_conv2d(mel_image(mel[longer, 1:].flatten(0, 1)[:, None]))
            parts = join_parts(parts, len(longer), global_map.shape[-1], dim=3)
            global_map = global_map.index_copy(0, longer, self.fusion_model(global_map[longer], parts).to(global_map.dtype))
        return self.norm(global_map.permute(0, 2, 3, 1))


class Stage(nn.Module):
    """Apply blocks of one resolution, every second with shifted windows, then halve the sides and double the width."""

    def __init__(self, width: int, side: int, depth: int, heads: int, rates: list[float], last: bool):
        super().__init__()
        shifts = [WINDOW // 2 if i % 2 and side > WINDOW else 0 for i in range(depth)]
        self.blocks = nn.ModuleList(Block(width, side, heads, shift, rate) for shift, rate in zip(shifts, rates, strict=True))
        self.downsample = None if last else Merge(width)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.downsample(x) if self.downsample else x


class Merge(nn.Module):
    """Merge each 2x2 tokens into one token of twice the width."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(torch.cat([x[:, row::2, col::2] for col in (0, 1) for row in (0, 1)], -1)))


class Block(nn.Module):
    """Apply attention within windows of 8x8 tokens, then a perceptron, both residual, with stochastic depth."""

    def __init__(self, width: int, side: int, heads: int, shift: int, drop_path: float):
        super().__init__()
        self.shift, self.drop_path = shift, drop_path
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        self.mask = nn.Buffer(shift_mask(side, shift), persistent=False) if shift else None

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_branch(self.attend(self.norm1(x)))
        return x + self.drop_branch(self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x)))))

    def attend(self, x: Tensor) -> Tensor:
        """Apply attention within windows, which are shifted by half a window in every second block."""
        if not self.shift:
            return join_windows(self.attn(split_windows(x), None), x.shape)
        shifted = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        return torch.roll(join_windows(self.attn(split_windows(shifted), self.mask), x.shape), (self.shift, self.shift), (1, 2))

    def drop_branch(self, branch: Tensor) -> Tensor:
        """In training, set a branch to zero for random clips and scale it for the others (stochastic depth, Huang et al. 2016)."""
        if not self.training or not self.drop_path:
            return branch
        kept = torch.rand(len(branch), 1, 1, 1, device=branch.device) >= self.drop_path
        return branch * (kept / (1 - self.drop_path)).to(branch.dtype)


class WindowAttention(nn.Module):
    """Apply attention among the 64 tokens of a window, with a learnt bias for each relative position."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        self.relative_position_index = nn.Buffer(relative_positions(), persistent=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Turn windows (n * n_windows, 64, width) into the same form. mask: (n_windows, 64, 64), added to the scores."""
        n, tokens, width = x.shape
        query, key, value = self.qkv(x).view(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)[None]
        if mask is not None:
            bias = (bias + mask[:, None]).repeat(n // len(mask), 1, 1, 1)
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(-2, -1) + bias
        return self.proj((scores.softmax(-1).to(value.dtype) @ value).transpose(1, 2).reshape(n, tokens, width))


def split_windows(x: Tensor) -> Tensor:
    """Split (n, side, side, width) into windows (n * n_windows, 64, width)."""
    n, side, _, width = x.shape
    return x.view(n, side // WINDOW, WINDOW, side // WINDOW, WINDOW, width).transpose(2, 3).reshape(-1, WINDOW * WINDOW, width)


def join_windows(windows: Tensor, shape: torch.Size) -> Tensor:
    """Join windows to `shape` (n, side, side, width); the inverse of split_windows."""
    n, side, _, width = shape
    return windows.view(n, side // WINDOW, side // WINDOW, WINDOW, WINDOW, width).transpose(2, 3).reshape(shape)


def shift_mask(side: int, shift: int) -> Tensor:
    """Return (n_windows, 64, 64): -100 between tokens that are adjacent only because of the cyclic shift, else 0."""
    position = torch.arange(side)
    region = (position >= side - WINDOW).long() + (position >= side - shift).long()
    regions = split_windows((region[:, None] * 3 + region)[None, :, :, None])[..., 0]
    return (regions[:, None] != regions[:, :, None]).float() * -100.0


def relative_positions() -> Tensor:
    """Return (64, 64): the row of the bias table for each pair of tokens in a window."""
    row, col = torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")
    rows, cols = (x.flatten()[:, None] - x.flatten() + WINDOW - 1 for x in (row, col))
    return rows * (2 * WINDOW - 1) + cols


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)

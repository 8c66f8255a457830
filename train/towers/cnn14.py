"""CNN14 of PANNs (Kong et al. 2020) with the parameter names of the published checkpoints, and feature fusion as in CLAP."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from train.towers.features import N_MELS
from train.towers.fusion import FUSIONS, join_parts
from train.towers.specaugment import spec_augment


@dataclass(frozen=True)
class Cnn14Config:
    """Sizes of CNN14.

    width: channels of the first of six blocks; each block doubles them. fusion: a key of FUSIONS, or "" for none.
    dropout: factor of the published dropout (0.2 between blocks, 0.5 around the last layer); narrow towers use 0.
    """

    width: int = 64
    dropout: float = 1.0
    fusion: str = "aff"

    @property
    def out_width(self) -> int:
        """Width of the tower's output."""
        return self.width * 32


class Cnn14(nn.Module):
    """Turn features into one vector for each clip."""

    def __init__(self, config: Cnn14Config):
        super().__init__()
        self.config = config
        self.checkpointing = False
        self.bn0 = nn.BatchNorm2d(N_MELS)
        widths = [1, *(config.width * 2**i for i in range(6))]
        for i in range(6):
            self.add_module(f"conv_block{i + 1}", ConvBlock(widths[i], widths[i + 1], pool=2 if i < 5 else 1))
        self.fc1 = nn.Linear(config.out_width, config.out_width)
        nn.init.xavier_uniform_(self.fc1.weight)
        nn.init.zeros_(self.fc1.bias)
        if config.fusion:
            first = nn.Conv2d(1, config.width, 5, stride=(6, 2), padding=2)
            self.mel_conv2d = nn.Sequential(first, nn.BatchNorm2d(config.width), nn.ReLU())
            self.fusion_model = FUSIONS[config.fusion](config.width)

    def forward(self, mel: Tensor, longer: Tensor) -> Tensor:
        """Turn mels (n, 4 or 1, 1001, 64) in dB into (n, out_width). longer: (n,) bool, clips of more than 10 s, whose parts are fused."""
        x = self.bn0(mel.transpose(1, 3)).transpose(1, 3)
        if self.training:
            x = spec_augment(x)
        x = self.first_block(x, longer)
        for i in range(2, 7):
            block, x = self.get_submodule(f"conv_block{i}"), self.dropout(x, 0.2)
            x = checkpoint(block, x, use_reentrant=False) if self.checkpointing and self.training else block(x)
        over_time = self.dropout(x, 0.2).mean(3)
        pooled = over_time.amax(2) + over_time.mean(2)
        return self.dropout(F.relu(self.fc1(self.dropout(pooled, 0.5))), 0.5)

    def dropout(self, x: Tensor, published: float) -> Tensor:
        """Apply a published dropout rate, scaled by the configuration, in training mode."""
        return F.dropout(x, published * self.config.dropout, self.training)

    def first_block(self, mel: Tensor, longer: Tensor) -> Tensor:
        """Apply the first block to the global mel, and fuse the parts of longer clips into it: (n, width, 500, 32)."""
        global_map = self.get_submodule("conv_block1")(mel[:, :1])
        rows = torch.nonzero(longer)[:, 0]
        if not self.config.fusion or not len(rows):
            return global_map
        parts = join_parts(self.mel_conv2d(mel[rows, 1:].flatten(0, 1)[:, None]), len(rows), global_map.shape[2], dim=2)
        return global_map.index_copy(0, rows, self.fusion_model(global_map[rows], parts).to(global_map.dtype))


class ConvBlock(nn.Module):
    """Apply two 3x3 convolutions, each with batch normalisation and ReLU, then average pooling of pool x pool."""

    def __init__(self, width: int, out_width: int, pool: int):
        super().__init__()
        self.pool = pool
        self.conv1 = nn.Conv2d(width, out_width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_width)
        self.conv2 = nn.Conv2d(out_width, out_width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_width)
        nn.init.xavier_uniform_(self.conv1.weight)
        nn.init.xavier_uniform_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.avg_pool2d(x, self.pool) if self.pool > 1 else x

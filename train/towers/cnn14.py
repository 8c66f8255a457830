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
    """width: channels of the first of six blocks; each later one doubles them. fusion: a key of FUSIONS, or "" for none.

    dropout: how much of the published dropout (0.2 between blocks, 0.5 around the last layer); narrow towers have nothing to spare.
    """

    width: int = 64
    dropout: float = 1.0
    fusion: str = "aff"

    @property
    def out_width(self) -> int:
        return self.width * 32


class Cnn14(nn.Module):
    """Features -> one vector a clip."""

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
        """Mels (n, 4 or 1, 1001, 64) in dB and which clips are longer (n,) bool -> (n, out_width)."""
        x = self.bn0(mel.transpose(1, 3)).transpose(1, 3)
        if self.training:
            x = spec_augment(x)
        picture = self.first(x, longer)
        for i in range(2, 7):
            block, picture = self.get_submodule(f"conv_block{i}"), self.drop(picture, 0.2)
            picture = checkpoint(block, picture, use_reentrant=False) if self.checkpointing and self.training else block(picture)
        over_time = self.drop(picture, 0.2).mean(3)
        pooled = over_time.amax(2) + over_time.mean(2)
        return self.drop(F.relu(self.fc1(self.drop(pooled, 0.5))), 0.5)

    def drop(self, x: Tensor, published: float) -> Tensor:
        return F.dropout(x, published * self.config.dropout, self.training)

    def first(self, mel: Tensor, longer: Tensor) -> Tensor:
        """First block of the whole, with the parts of longer clips fused in: (n, width, 500, 32)."""
        whole = self.get_submodule("conv_block1")(mel[:, :1])
        chosen = torch.nonzero(longer)[:, 0]
        if not self.config.fusion or not len(chosen):
            return whole
        parts = join_parts(self.mel_conv2d(mel[chosen, 1:].flatten(0, 1)[:, None]), len(chosen), whole.shape[2], dim=2)
        return whole.index_copy(0, chosen, self.fusion_model(whole[chosen], parts).to(whole.dtype))


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each normalised and rectified, then the mean of pool x pool."""

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

"""SpecAugment: number, width and position of the stripes."""

import torch

from train.towers.specaugment import spec_augment, stripes

CPU = torch.device("cpu")


def test_the_same_stripes_are_zero_in_all_channels():
    torch.manual_seed(1)
    masked = spec_augment(torch.ones(8, 4, 1001, 64))
    assert torch.equal(masked[:, 0], masked[:, 3])
    blank_frames = (masked[:, 0].sum(2) == 0).sum(1)
    blank_mels = (masked[:, 0].sum(1) == 0).sum(1)
    assert blank_frames.max() <= 2 * 63 and blank_frames.float().mean() > 40
    assert blank_mels.max() <= 2 * 7 and blank_mels.float().mean() > 4
    assert set(masked.unique().tolist()) == {0.0, 1.0}


def test_each_clip_has_stripes_of_its_own():
    torch.manual_seed(1)
    masked = spec_augment(torch.ones(2, 1, 1001, 64))
    assert not torch.equal(masked[0], masked[1])


def test_stripes_have_every_width_below_the_widest_and_lie_everywhere():
    torch.manual_seed(0)
    drawn = stripes(3000, 20, widest=4, device=CPU)
    widths = drawn.sum(1)
    assert widths.min() == 0 and widths.max() == 6  # two stripes of 3
    assert drawn.any(0)[:-1].all()


def test_each_clip_has_two_stripes():
    torch.manual_seed(0)
    drawn = stripes(500, 1000, widest=8, device=CPU).int()
    n_stripes = (drawn.diff(dim=1) == 1).sum(1) + drawn[:, 0]
    assert n_stripes.max() == 2

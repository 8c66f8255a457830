"""Feature fusion: the published formulas, and how the parts of a clip are joined."""

import pytest
import torch

from train.towers.cnn14 import Cnn14, Cnn14Config
from train.towers.fusion import FUSIONS, join_parts, mark_at_least_one
from train.towers.htsat import PatchEmbed


def test_aff_doubles_the_gated_mean():
    torch.manual_seed(0)
    aff = FUSIONS["aff"](8).eval()
    global_map, parts = torch.randn(3, 8, 4, 4), torch.randn(3, 8, 4, 4)
    both = global_map + parts
    share = torch.sigmoid(aff.local_att(both) + aff.global_att(both))
    assert torch.equal(aff(global_map, parts), 2 * global_map * share + 2 * parts * (1 - share))


def test_the_local_gate_weights_every_position_and_the_global_gate_every_channel():
    aff = FUSIONS["aff"](8).eval()
    x = torch.randn(3, 8, 4, 5)
    assert aff.local_att(x).shape == (3, 8, 4, 5)
    assert aff.global_att(x).shape == (3, 8, 1, 1)


def test_daf_is_the_sum():
    assert torch.equal(FUSIONS["daf"](8)(torch.ones(1, 8, 2, 2), torch.ones(1, 8, 2, 2)), torch.full((1, 8, 2, 2), 2.0))


def test_iaff_gates_twice_without_doubling():
    torch.manual_seed(0)
    same = torch.randn(2, 8, 4, 4)
    assert torch.allclose(FUSIONS["iaff"](8).eval()(same, same), same, atol=1e-6)


@pytest.mark.parametrize("name", ["aff", "iaff"])
def test_one_clip_is_normalised_as_if_it_were_there_twice(name):
    torch.manual_seed(0)
    fusion = FUSIONS[name](8).train()
    x, y = torch.randn(1, 8, 4, 4), torch.randn(1, 8, 4, 4)
    alone = fusion(x, y)
    twice = fusion(x.repeat(2, 1, 1, 1), y.repeat(2, 1, 1, 1))
    assert alone.shape == x.shape
    assert torch.allclose(alone, twice[:1], atol=1e-6)


def test_three_times_21_columns_and_one_of_zeros():
    embed = PatchEmbed(8, "daf")
    parts = embed.mel_conv2d(torch.randn(6, 1, 256, 256))
    assert parts.shape[-1] == 21
    joined = join_parts(parts, 2, 64, dim=3)
    assert joined.shape == (2, 8, 64, 64)
    assert torch.equal(joined[1, :, :, 21:42], parts[4])
    assert not joined[..., 63].any()


def test_cnn14_joins_the_parts_along_time():
    tower = Cnn14(Cnn14Config(width=8)).eval()
    parts = tower.mel_conv2d(torch.randn(3, 1, 1001, 64))
    assert parts.shape == (3, 8, 167, 32)
    joined = join_parts(parts, 1, 500, dim=2)
    assert torch.equal(joined[0, :, 167:334], parts[1])
    assert joined.shape == (1, 8, 500, 32)


def test_a_batch_without_longer_clips_gets_one_at_random():
    none = torch.zeros(5, dtype=torch.bool)
    marked = [mark_at_least_one(none, torch.Generator().manual_seed(seed)) for seed in range(30)]
    assert all(m.sum() == 1 for m in marked) and len({int(m.nonzero()) for m in marked}) == 5
    assert not none.any()  # the argument is not changed


def test_a_batch_with_longer_clips_stays():
    some = torch.tensor([False, True, True])
    assert mark_at_least_one(some, torch.Generator()) is some

"""The audio tower HTSAT."""

import pytest
import torch

from train.towers.htsat import (
    SIZES,
    WINDOW,
    Block,
    Htsat,
    HtsatConfig,
    join_windows,
    mel_image,
    relative_positions,
    shift_mask,
    split_windows,
)

MINI = SIZES["htsat-mini"]


@pytest.fixture(scope="module")
def tower():
    torch.manual_seed(0)
    return Htsat(MINI)


def mels(n: int) -> torch.Tensor:
    return torch.randn(n, 4, 1001, 64, generator=torch.Generator().manual_seed(n)) * 10 - 40


def test_the_published_size_has_the_published_number_of_parameters():
    plain, fused = (sum(p.numel() for p in Htsat(HtsatConfig(fusion=f)).parameters()) for f in ("", "aff"))
    assert fused - plain == 14_640
    heads_of_audioset = 768 * 527 * 2 * 3 + 527 + 527 * 527 + 527  # which CLAP does not use
    front_end = 2 * 513 * 1024 + 513 * 64  # theirs is a convolution with frozen weights
    assert plain + heads_of_audioset + front_end == pytest.approx(31.3e6, rel=0.01)


def test_names_are_those_of_the_published_checkpoints(tower):
    names = set(tower.state_dict())
    assert {
        "bn0.running_mean",
        "patch_embed.proj.weight",
        "patch_embed.mel_conv2d.bias",
        "patch_embed.fusion_model.local_att.4.running_var",
        "patch_embed.fusion_model.global_att.5.weight",
        "layers.0.blocks.1.attn.relative_position_bias_table",
        "layers.2.blocks.0.attn.qkv.weight",
        "layers.1.blocks.0.mlp.fc2.bias",
        "layers.2.downsample.reduction.weight",
        "norm.weight",
    } <= names
    assert not any("index" in name or "mask" in name for name in names)


def test_the_mel_image_stacks_the_quarters_of_time():
    mel = torch.zeros(1, 1, 1001, 64)
    mel[:, :, 251:500] = 1.0  # second quarter
    quarter = mel_image(mel)[0, 0].view(4, 64, 256).mean((1, 2))
    assert quarter[1] > 0.95 and quarter[[0, 2, 3]].abs().max() < 0.02


def test_windows_are_cut_and_joined_again():
    x = torch.randn(2, 16, 16, 3)
    windows = split_windows(x)
    assert torch.equal(windows[1].view(WINDOW, WINDOW, 3), x[0, :8, 8:])
    assert torch.equal(join_windows(windows, x.shape), x)


def test_every_second_block_is_shifted_where_there_are_several_windows_and_deeper_blocks_drop_more():
    layers = Htsat(HtsatConfig(drop_path=0.7)).layers
    assert [[block.shift for block in layer.blocks] for layer in layers] == [[0, 4], [0, 4], [0, 4] * 3, [0, 0]]
    assert [block.drop_path for layer in layers for block in layer.blocks] == pytest.approx([0.7 / 11 * n for n in range(12)], abs=1e-6)
    assert [block.attn.heads for layer in layers for block in layer.blocks] == [4] * 2 + [8] * 2 + [16] * 6 + [32] * 2


def test_weights_begin_small_and_biases_at_zero(tower):
    linear = tower.layers[1].blocks[0].mlp["fc1"]
    assert not linear.bias.any() and linear.weight.detach().std() == pytest.approx(0.02, rel=0.1)
    assert tower.layers[0].blocks[0].attn.relative_position_bias_table.detach().std() == pytest.approx(0.02, rel=0.2)


def test_the_bias_of_two_tokens_depends_on_their_rows_and_columns_apart():
    index = relative_positions()
    assert (index[0, 0], index[1, 0], index[0, 1], index[8, 0], index[0, 63], index[63, 0]) == (112, 113, 111, 127, 0, 224)
    assert index.shape == (64, 64) and index[9, 0] == index[63, 54] == 128


def test_the_shift_mask_separates_tokens_that_were_not_adjacent():
    mask = shift_mask(16, 4)
    assert mask.shape == (4, 64, 64)
    assert not mask[0].any()  # the first window holds no border
    assert (mask[3] == -100).float().mean() == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("shift", "changed", "window"),
    [
        (0, (0, 0), (slice(0, 8), slice(0, 8))),
        (0, (7, 8), (slice(0, 8), slice(8, 16))),
        (4, (5, 11), (slice(4, 12), slice(4, 12))),
        (4, (0, 3), (slice(0, 4), slice(0, 4))),
        (4, (15, 3), (slice(12, 16), slice(0, 4))),
        (4, (2, 6), (slice(0, 4), slice(4, 12))),
    ],
)
def test_a_token_changes_its_window_alone_and_windows_are_shifted_in_every_second_block(shift, changed, window):
    torch.manual_seed(0)
    block = Block(16, 16, 2, shift, 0.0)
    x = torch.randn(1, 16, 16, 16)
    other = x.clone()
    other[0, *changed] += 10
    expected = torch.zeros(16, 16, dtype=torch.bool)
    expected[window] = True
    with torch.inference_mode():
        assert torch.equal((block.attend(x) != block.attend(other))[0].any(-1), expected)


def test_the_vector_of_a_clip_does_not_depend_on_the_rest_of_the_batch(tower):
    tower.eval()
    x, longer = mels(4), torch.tensor([False, True, True, False])
    with torch.inference_mode():
        together = tower(x, longer)
        alone = torch.cat([tower(x[i : i + 1], longer[i : i + 1]) for i in range(4)])
    assert torch.allclose(together, alone, atol=1e-5)


def test_fusion_touches_only_the_longer_clips(tower):
    tower.eval()
    with torch.inference_mode():
        without, with_long = tower(mels(3), torch.zeros(3, dtype=torch.bool)), tower(mels(3), torch.tensor([False, True, False]))
    assert torch.allclose(without[[0, 2]], with_long[[0, 2]], atol=1e-5)
    assert not torch.allclose(without[1], with_long[1], atol=1e-3)


def test_exactly_one_longer_clip_in_a_training_batch_trains(tower):
    tower.train()  # transformers' ClapModel raises here: batch normalisation over a single value
    tower(mels(2), torch.tensor([True, False])).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in tower.parameters())


def test_branches_are_dropped_for_complete_clips():
    torch.manual_seed(0)
    block = Htsat(HtsatConfig(width=24, depths=(2, 2, 2, 2), heads=(2, 4, 8, 16), drop_path=0.5)).layers[3].blocks[1].train()
    branch = block.drop_branch(torch.ones(400, 2, 2, 1))
    assert set(branch.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(branch.amin((1, 2, 3)), branch.amax((1, 2, 3)))
    assert 0.4 < (branch[:, 0, 0, 0] == 0).float().mean() < 0.6
    assert torch.equal(block.eval().drop_branch(branch), branch)


def test_both_branches_of_a_block_can_be_dropped():
    block = Htsat(MINI).layers[3].blocks[1].train()  # transformers drops the attention alone
    block.drop_path = 0.9999999
    x = torch.randn(2, 8, 8, MINI.out_width)
    assert torch.equal(block(x), x)


def test_spec_augment_is_for_training_only(tower):
    tower.eval()
    with torch.inference_mode():
        assert torch.equal(tower(mels(1), torch.tensor([False])), tower(mels(1), torch.tensor([False])))


def test_checkpointing_changes_no_gradient():
    grads = []
    for again in (False, True):
        torch.manual_seed(0)
        tower = Htsat(HtsatConfig(width=24, depths=(2, 2, 2, 2), heads=(2, 4, 8, 16)))
        tower.checkpointing = again
        torch.manual_seed(1)
        tower.train()(mels(2), torch.tensor([True, False])).square().sum().backward()
        grads.append(torch.cat([p.grad.flatten() for p in tower.parameters()]))
    assert torch.allclose(*grads, rtol=1e-4, atol=1e-6)

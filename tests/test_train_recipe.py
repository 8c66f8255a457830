"""Recipes of training: bundled, from files, changed on the command line."""

import json
from dataclasses import asdict

import pytest

from train.errors import BadInput
from train.recipe import BUNDLED, TrainRecipe, load_recipe, make_recipe


def test_the_defaults_are_the_published_settings():
    published = TrainRecipe()
    assert (published.lr, published.warmup, published.epochs, published.batch, published.seed) == (1e-4, 3200, 45, 2304, 3407)
    assert (published.context, published.weight_decay) == (77, 0.0)


@pytest.mark.parametrize("name", [p.stem for p in BUNDLED.glob("*.toml")])
def test_every_bundled_recipe_loads(name):
    assert load_recipe(name, []) != TrainRecipe()


def test_the_recipes_of_the_paper_are_bundled():
    assert {"tiny", "paper-ac-cl", "paper-la-fusion", "paper-2.5m"} <= {p.stem for p in BUNDLED.glob("*.toml")}


def test_a_file_and_then_changes_apply(tmp_path):
    (tmp_path / "mine.toml").write_text('batch = 32\nlr = 1e-3\naudio = "cnn14"\n')
    recipe = load_recipe(str(tmp_path / "mine.toml"), ["batch=64", "compile=true", "lr=2e-3"])
    assert (recipe.batch, recipe.lr, recipe.audio, recipe.compile) == (64, 2e-3, "cnn14", True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("bacth=3", "did you mean batch"),
        ("batch", "write key=value"),
        ("batch=many", "batch = 'many': input should be a valid integer"),
        ("batch=1", "greater than or equal to 2"),
        ("fusion=sum", "fusion = 'sum': input should be 'aff', 'daf', 'iaff' or 'none'"),
        ("compile=2", "compile = '2': input should be a valid boolean"),
        ("lr=-1", "greater than or equal to 0"),
        ("lr=inf", "lr = 'inf': input should be a finite number"),
        ("lr=nan", "lr = 'nan': input should be a finite number"),
        ("seed=2147483648", "seed = '2147483648': input should be less than 2147483648"),
        ("seed=99999999999999999999", "seed = '9+': input should be less than 2147483648"),
        ("epochs=2147483648", "less than 2147483648"),
        ("context=100000", "less than or equal to 65536"),
        ("chunks=2", "unknown key 'chunks'; it is called accumulate now"),
        ("ema=1", "less than 1"),
        ("layer_decay=0", "greater than 0"),
        ("audio=htsat-base", "size = 'tiny': htsat-base has no narrow variant; set audio to htsat-tiny or cnn14"),
        ("text=mpnet", "text = 'mpnet': only roberta, bert, clip start from random weights; set text_weights"),
        ("unlock_after=5", "unlock_after = 5: no tower is locked; set lock"),
    ],
)
def test_faults_on_the_command_line_are_named(change, message):
    with pytest.raises(BadInput, match=message):
        load_recipe("tiny", [change])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch = 'x'", "valid integer"),
        ("batch = ", "is not TOML"),
        ("stes = 1", "did you mean steps"),
        ("a = " + "[" * 10_000, "is not TOML"),
    ],
)
def test_faults_in_a_file_are_named_with_the_file(tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        load_recipe(str(tmp_path / "bad.toml"), [])
    assert "bad.toml" in str(caught.value)


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b'text = "\xff"')
    with pytest.raises(BadInput, match=r"bad\.toml is not TOML"):
        load_recipe(str(tmp_path / "bad.toml"), [])


@pytest.mark.parametrize("other", ["audio_weights", "text_weights"])
def test_weights_of_both_towers_are_not_combined_with_those_of_one(other):
    with pytest.raises(BadInput, match="weights = 'x' fills both towers; leave it empty, or audio_weights and text_weights"):
        load_recipe("tiny", ["weights=x", f"{other}=y"])


def test_spaces_around_a_change_do_not_matter():
    assert load_recipe("tiny", ["batch = 8 "]).batch == 8


def test_the_message_for_an_unknown_recipe_lists_the_bundled_ones():
    with pytest.raises(BadInput, match=r"bundled are .*tiny"):
        load_recipe("huge", [])


def test_all_faults_are_named_at_once():
    with pytest.raises(BadInput, match=r"batch = 'x'.*; lr = 'y'.*; unknown key 'epoch'; did you mean epochs"):
        load_recipe("tiny", ["batch=x", "lr=y", "epoch=3"])


def test_a_recipe_is_the_same_after_a_round_trip_through_json():
    recipe = load_recipe("tiny", ["wandb=x"])
    assert make_recipe(json.loads(json.dumps(asdict(recipe))), "") == recipe


def test_a_run_without_settings_is_of_the_published_size_on_one_process_without_extras():
    recipe = TrainRecipe()
    assert (recipe.audio, recipe.text, recipe.size, recipe.fusion) == ("htsat-tiny", "roberta", "published", "aff")
    assert (recipe.audio_weights, recipe.text_weights, recipe.lock, recipe.wandb) == ("", "", "", "")
    assert (recipe.context, recipe.vocabulary, recipe.texts, recipe.precision) == (77, 2000, "text", "fp32")
    assert (recipe.workers, recipe.accumulate, recipe.steps, recipe.valid_every, recipe.log_every, recipe.keep) == (0, 1, 0, 0, 10, 2)
    assert (recipe.multi_positive, recipe.checkpointing, recipe.compile) == (False, False, False)
    assert (recipe.broken_share, recipe.weight_decay, recipe.clip_norm) == (0.05, 0.0, 0.0)
    assert (recipe.loss, recipe.weights, recipe.unlock_after, recipe.ema) == ("softmax", "", 0, 0.0)
    assert (recipe.audio_lr_factor, recipe.text_lr_factor, recipe.layer_decay) == (1.0, 1.0, 1.0)


def test_weights_are_tables_in_files_and_text_on_the_command_line(tmp_path):
    (tmp_path / "mine.toml").write_text("[dataset_weights]\nAudioCaps = 2\n")
    recipe = load_recipe(str(tmp_path / "mine.toml"), ["caption_weights=human=3, t5=0.5"])
    assert (recipe.dataset_weights, recipe.caption_weights) == ({"AudioCaps": 2.0}, {"human": 3.0, "t5": 0.5})
    assert load_recipe("tiny", ["dataset_weights=My = Set=0.5"]).dataset_weights == {"My = Set": 0.5}


@pytest.mark.parametrize(
    "change", ["dataset_weights=A", "dataset_weights=A=-1", "dataset_weights=A=nan", "dataset_weights=A=1e9", "caption_weights=humans=1"]
)
def test_weights_that_mean_nothing_are_bad_input(change):
    with pytest.raises(BadInput, match="weights"):
        load_recipe("tiny", [change])

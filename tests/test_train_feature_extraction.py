"""The feature extractor of exported folders: embeddings equal those of the trainer's evaluation, however the folder is used."""

import json
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoProcessor,
    BatchFeature,
    ClapFeatureExtractor,
    ClapModel,
    ClapProcessor,
    pipeline,
)

from tests.exported import LONG, MIXED, RATE, SHORT, TEXTS, TOKENIZER, exported, own_embeddings, own_folder, run_of, waveforms
from train.hub.feature_extraction import FixedClapFeatureExtractor
from train.towers.tokenizer import tokenize

BOTH = pytest.mark.parametrize("fusion", ["aff", "none"])
BATCHES = {"short alone": [0], "long alone": [4], "short": SHORT, "mixed": MIXED}


@cache
def model_and_processor(fusion: str) -> tuple[ClapModel, ClapProcessor]:
    folder = exported(fusion)
    return ClapModel.from_pretrained(folder).eval(), ClapProcessor.from_pretrained(folder, trust_remote_code=True)


def features(fusion: str, rows: list[int], **settings: object) -> BatchFeature:
    """Return what the processor makes of some waveforms."""
    processor = model_and_processor(fusion)[1]
    return processor(audio=[waveforms()[i] for i in rows], sampling_rate=RATE, return_tensors="pt", **settings)


@BOTH
@pytest.mark.parametrize("rows", BATCHES.values(), ids=BATCHES)
@torch.inference_mode()
def test_embeddings_by_the_processor_equal_the_own_evaluation(fusion, rows):
    embeddings = model_and_processor(fusion)[0].get_audio_features(**features(fusion, rows)).pooler_output.numpy()
    assert np.abs(embeddings - own_embeddings(fusion)[rows]).max() <= 1e-5


@BOTH
@pytest.mark.parametrize(
    "settings", [{}, {"padding": True, "truncation": True, "max_length": 77}, {"padding": "max_length", "truncation": "rand_trunc"}]
)
def test_neither_chance_nor_settings_for_texts_change_the_features(fusion, settings):
    np.random.seed(1)
    first = features(fusion, MIXED)
    again = features(fusion, MIXED, **settings)
    assert torch.equal(first["input_features"], again["input_features"])
    assert again["is_longer"][:, 0].tolist() == [fusion == "aff" and i in LONG for i in MIXED]


@torch.inference_mode()
def test_texts_and_clips_in_one_call_equal_the_own_evaluation():
    model, processor = model_and_processor("aff")
    clips = [waveforms()[i] for i in SHORT]
    inputs = processor(text=TEXTS, audio=clips, sampling_rate=RATE, return_tensors="pt", padding=True, truncation=True)
    both = model(**inputs)
    assert np.abs(both.audio_embeds.numpy() - own_embeddings("aff")[SHORT]).max() <= 1e-5
    assert (both.text_embeds - run_of("aff").model.embed_text(*tokenize(TOKENIZER, TEXTS, 77))).abs().max() <= 1e-5


@BOTH
@torch.inference_mode()
def test_scores_of_the_zero_shot_pipeline_equal_the_own_evaluation(fusion):
    model, clips = run_of(fusion).model, [waveforms()[i] for i in (0, 3, 4)]
    texts = model.embed_text(*tokenize(TOKENIZER, [f"This is a sound of {text}." for text in TEXTS], 77))
    expected = (torch.from_numpy(own_embeddings(fusion)[[0, 3, 4]]) @ texts.T * model.log_scale.exp()).softmax(1)
    classifier = pipeline("zero-shot-audio-classification", model=str(exported(fusion)), trust_remote_code=True)
    for batch_size in (1, 3):
        scored = classifier(clips, candidate_labels=TEXTS, batch_size=batch_size)
        by_label = [{label["label"]: label["score"] for label in scores} for scores in scored]
        assert np.abs(np.array([[scores[text] for text in TEXTS] for scores in by_label]) - expected.numpy()).max() <= 1e-5


@torch.inference_mode()
def embed_as_mteb_does(fusion: str, rows: list[int]) -> np.ndarray:
    """Do what ClapZeroShotWrapper.get_audio_embeddings of mteb 2.26.24 does with clips of 48 kHz, in one batch."""
    model, processor = model_and_processor(fusion)
    extractor = processor.feature_extractor
    limit = None if extractor.truncation == "fusion" else extractor.nb_max_samples
    inputs = []
    for waveform in (waveforms()[i] for i in rows):
        of_16_bits = (np.clip(waveform[:limit], -1, 1) * 32767.0).astype(np.int16) / np.float32(32767.0)
        np.random.seed(0)
        of_clip = processor(audio=of_16_bits, sampling_rate=extractor.sampling_rate, return_tensors="pt")
        if extractor.truncation == "fusion":
            of_clip["is_longer"][:] = len(of_16_bits) > extractor.nb_max_samples
        inputs.append(of_clip)
    vectors = model.get_audio_features(**{name: torch.cat([of_clip[name] for of_clip in inputs]) for name in inputs[0]}).pooler_output
    return (vectors / vectors.norm(dim=-1, keepdim=True)).numpy()


@BOTH
@pytest.mark.parametrize("rows", [[0], MIXED], ids=["short alone", "mixed"])
def test_embeddings_by_the_wrapper_of_mteb_equal_the_own_evaluation(fusion, rows):
    assert np.abs(embed_as_mteb_does(fusion, rows) - own_embeddings(fusion)[rows]).max() <= 1e-3


STOCK = {
    "ClapFeatureExtractor": lambda folder: ClapFeatureExtractor.from_pretrained(folder),
    "ClapFeatureExtractor, other settings": lambda folder: ClapFeatureExtractor.from_pretrained(folder, truncation="fusion"),
    "AutoFeatureExtractor": lambda folder: AutoFeatureExtractor.from_pretrained(folder),
    "AutoFeatureExtractor, no": lambda folder: AutoFeatureExtractor.from_pretrained(folder, trust_remote_code=False),
    "with a config": lambda folder: AutoFeatureExtractor.from_pretrained(folder, config=AutoConfig.from_pretrained(folder)),
    "ClapProcessor": lambda folder: ClapProcessor.from_pretrained(folder),
    "AutoProcessor": lambda folder: AutoProcessor.from_pretrained(folder),
    "pipeline": lambda folder: pipeline("zero-shot-audio-classification", model=str(folder)),
}


@pytest.mark.parametrize("load", STOCK.values(), ids=STOCK)
def test_stock_code_refuses_the_folder_and_says_why(load, monkeypatch):
    mapping = "transformers.models.auto.feature_extraction_auto.FEATURE_EXTRACTOR_MAPPING._extra_content"
    monkeypatch.setattr(mapping, {})  # as in a process that has loaded no exported folder yet
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        load(exported("aff"))


@pytest.mark.parametrize("load", [*STOCK.values()][2:], ids=[*STOCK][2:])
def test_stock_code_is_right_after_the_line_of_the_card(load):
    AutoFeatureExtractor.from_pretrained(exported("none"), trust_remote_code=True)  # code of any folder of the same version
    loaded = load(exported("aff"))
    extractor = getattr(loaded, "feature_extractor", loaded)
    theirs = extractor([waveforms()[i] for i in (0, 4)], sampling_rate=RATE, return_tensors="pt")
    ours = FixedClapFeatureExtractor(fused=True)([waveforms()[i] for i in (0, 4)], sampling_rate=RATE, return_tensors="pt")
    assert torch.equal(theirs["input_features"], ours["input_features"]) and theirs["is_longer"].tolist() == [[False], [True]]


def test_a_processor_that_is_saved_again_carries_the_extractor_and_still_refuses_stock_code(tmp_path):
    shutil.copytree(exported("none"), tmp_path / "copy")
    for source, target in (("copy", "second"), ("second", "third")):
        AutoProcessor.from_pretrained(tmp_path / source, trust_remote_code=True).save_pretrained(tmp_path / target)
    extractor = AutoFeatureExtractor.from_pretrained(tmp_path / "third", trust_remote_code=True)
    assert type(extractor).__name__.startswith("FixedClapFeatureExtractor_") and not extractor.fused
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        ClapFeatureExtractor.from_pretrained(tmp_path / "third")


def test_a_process_may_load_folders_with_different_code(tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(exported("aff"), folder)
    name = json.loads((folder / "preprocessor_config.json").read_text())["feature_extractor_type"]
    for path in (folder / "feature_extraction.py", folder / "preprocessor_config.json"):
        path.write_text(path.read_text().replace(name, "FixedClapFeatureExtractor_of_later"))
    classes = [type(AutoFeatureExtractor.from_pretrained(path, trust_remote_code=True)).__name__ for path in (folder, exported("aff"))]
    assert classes == ["FixedClapFeatureExtractor_of_later", name]


@pytest.mark.slow
def test_the_folder_works_where_this_project_is_not_installed():
    code = f"""
import sys
import numpy as np
from transformers import AutoFeatureExtractor, dynamic_module_utils

dynamic_module_utils.HF_MODULES_CACHE = {str(own_folder() / "modules-of-another")!r}
extractor = AutoFeatureExtractor.from_pretrained({str(exported("aff"))!r}, trust_remote_code=True)
features = extractor([np.ones(9, np.float32)], sampling_rate=48000)
print(features["input_features"][0].shape, [name for name in sys.modules if name == "train" or name.startswith("train.")])
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=own_folder(), capture_output=True, text=True)
    assert done.stdout == "(4, 1001, 64) []\n", done.stderr


EXTRACTOR = FixedClapFeatureExtractor()
CLIP = np.linspace(-1, 1, 5000, dtype=np.float32)


@pytest.mark.parametrize("clips", [CLIP, CLIP.astype(float), CLIP.tolist(), torch.from_numpy(CLIP), [CLIP], CLIP[None], [CLIP.tolist()]])
def test_a_clip_may_be_given_in_every_way_that_transformers_takes(clips):
    expected = EXTRACTOR([CLIP], sampling_rate=RATE)["input_features"][0]
    features = EXTRACTOR(clips, sampling_rate=RATE)["input_features"]
    assert len(features) == 1 and np.array_equal(features[0], expected)


@pytest.mark.parametrize(
    ("clips", "rate", "message"),
    [
        (CLIP, 44_100, "resample"),
        ((CLIP * 32767).astype(np.int16), RATE, "int16"),
        (np.where(CLIP > 0, np.nan, CLIP), RATE, "not finite"),
        ([np.stack([CLIP, CLIP])], RATE, "should be mono"),
        (CLIP[None, None], RATE, "should be mono"),
        ([CLIP, CLIP[:0]], RATE, "should be mono"),
        ([], RATE, "should be mono"),
    ],
)
def test_clips_that_would_give_wrong_features_are_refused(clips, rate, message):
    with pytest.raises(ValueError, match=message):
        EXTRACTOR(clips, sampling_rate=rate)

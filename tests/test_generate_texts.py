"""Texts are generated once for each prompt, in batches that depend on the prompts alone."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam
import pytest

from augment.keyword_to_caption import T5Settings, candidates
from augment.text_models import Model, load
from pipeline.engines.run import Engine
from pipeline.output.storage import Folder
from pipeline.output.t5_files import T5_CACHE, GeneratedTexts, read_cache, read_part
from tests.eager import collect
from tests.tiny_t5 import make_t5
from transforms.planning import t5_handler
from transforms.planning.caption_model import CaptionModel
from transforms.planning.generate_texts import GenerateTexts, make_batches

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries, while they are imported
SETTINGS = T5Settings(batch=2, beams=2, candidates=2)
SETS = [("Dog", "Bark"), ("Rain",), ("Siren",), ("rain",), ("Dog", "Bark")]
PROMPTS = {"bark", "rain", "siren"}
PLAIN = CaptionModel("folder", "folder sha256:0", "0", SETTINGS)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(str(make_t5(tmp_path_factory.mktemp("model") / "tiny", n_steps=1)))


@pytest.fixture
def model(network: Model) -> CaptionModel:
    return CaptionModel(network.name, "tiny", network.digest, SETTINGS)


def generated(sets: list[tuple[str, ...]], model: CaptionModel, folder: Path, seed: int | None = None) -> list[GeneratedTexts]:
    """Generate as a plan does, and put the cache in the place of the old one."""
    lists = [sets[:2], sets[2:]]
    (batches,) = collect(lambda root: [root | beam.Create(lists) | GenerateTexts(model, Folder(str(folder)), "plan.new")], seed)
    Folder(str(folder)).move(f"plan.new/{T5_CACHE}", f"plan/{T5_CACHE}")
    return sorted((texts for batch in batches for texts in batch), key=lambda texts: texts.prompt)


def no_inference(*_: object) -> list[list[str]]:
    raise AssertionError("the T5 was asked again")


def test_each_prompt_gets_what_the_t5_generates_for_its_batch(network: Model, model: CaptionModel, tmp_path: Path) -> None:
    expected = []
    for batch in make_batches(SETS, model, frozenset()):
        expected += [
            GeneratedTexts(model.prompt_of(sets), tuple(texts))
            for sets, texts in zip(batch, candidates(network, batch, SETTINGS), strict=True)
        ]
    assert {texts.prompt for texts in expected} == PROMPTS
    for seed in (None, 1, 2):
        assert generated(SETS, model, tmp_path / str(seed), seed) == sorted(expected, key=lambda texts: texts.prompt)


def test_the_cache_answers_for_the_same_model_and_settings(model: CaptionModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = generated(SETS, model, tmp_path)
    (tmp_path / "plan/t5").rename(tmp_path / "gone")  # the batches; promoting a plan removes them
    monkeypatch.setattr(t5_handler, "candidates", no_inference)
    assert generated(SETS[:1], model, tmp_path) == first, "the texts of all cached prompts"
    assert list(read_cache(Folder(str(tmp_path)), model.generation_hash)) == first, "kept where they are not asked for"
    with pytest.raises(AssertionError, match="the T5 was asked again"):
        generated([*SETS, ("Wind",)], model, tmp_path)


def test_a_cache_holds_the_texts_of_several_models(model: CaptionModel, tmp_path: Path) -> None:
    other = CaptionModel(model.path, model.name, model.digest, T5Settings(batch=2, beams=2, candidates=1))
    first, second = generated(SETS, model, tmp_path), generated(SETS[:1], other, tmp_path)
    assert all(len(texts.texts) <= 1 for texts in second)
    assert list(read_cache(Folder(str(tmp_path)), model.generation_hash)) == first
    assert list(read_cache(Folder(str(tmp_path)), other.generation_hash)) == second


def test_batches_that_were_written_are_not_generated_again(model: CaptionModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = generated(SETS, model, tmp_path)
    assert len(list((tmp_path / "plan/t5").iterdir())) == 2
    assert read_part(["siren", "bark"], model.generation_hash, Folder(str(tmp_path))) != ()
    (tmp_path / "plan" / T5_CACHE).unlink()  # as when the plan is killed before it is complete
    monkeypatch.setattr(t5_handler, "candidates", no_inference)
    assert generated(SETS, model, tmp_path) == first


def test_the_engine_of_builds_generates_the_same_texts(model: CaptionModel, tmp_path: Path) -> None:
    first = generated(SETS, model, tmp_path / "eager")
    transform = GenerateTexts(model, Folder(str(tmp_path / "real")), "plan")
    Engine(n_workers=2).run(lambda root: root | beam.Create([SETS[:2], SETS[2:]]) | transform)
    assert list(read_cache(Folder(str(tmp_path / "real")), model.generation_hash)) == first


def test_batches_hold_each_prompt_once_the_longest_first_whatever_the_order() -> None:
    sets = [("rain",), ("Rain",), ("a long label",), ("wind",), ("known",), ("hum",)]
    batches = [(("a long label",), ("Rain",)), (("wind",), ("hum",))]
    assert list(make_batches(sets, PLAIN, frozenset({"known"}))) == batches
    assert list(make_batches(reversed(sets), PLAIN, frozenset({"known"}))) == batches


def test_nothing_to_generate_is_no_batch() -> None:
    assert list(make_batches([], PLAIN, frozenset())) == []
    assert list(make_batches([("rain",)], PLAIN, frozenset({"rain"}))) == []

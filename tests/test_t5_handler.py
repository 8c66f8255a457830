"""A worker loads the T5 that planning began with, and answers batch by batch."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from augment.keyword_to_caption import T5Settings, candidates
from augment.text_models import load
from pipeline.output.t5_files import GeneratedTexts
from tests.tiny_t5 import make_t5
from transforms.planning.t5_handler import T5Handler

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries, while they are imported
SETTINGS = T5Settings(beams=2, candidates=2, batch=2, prefix="say: ")
BATCHES = [(("Dog", "Bark"), ("Rain",)), (("Siren",),)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_t5(tmp_path_factory.mktemp("model") / "tiny", n_steps=1)


def test_each_batch_is_generated_alone_and_each_prompt_gets_its_texts(tiny: Path) -> None:
    model = load(str(tiny))
    handler = T5Handler(str(tiny), model.digest, SETTINGS)
    results = list(handler.run_inference(BATCHES, handler.load_model()))
    texts = [candidates(model, batch, SETTINGS) for batch in BATCHES]
    assert results == [
        (GeneratedTexts("say: bark", tuple(texts[0][0])), GeneratedTexts("say: rain", tuple(texts[0][1]))),
        (GeneratedTexts("say: siren", tuple(texts[1][0])),),
    ]


def test_a_worker_with_another_model_is_refused(tiny: Path) -> None:
    with pytest.raises(ValueError, match=r"this worker has another model .* than the machine where planning began \(0123456789ab\)"):
        T5Handler(str(tiny), "0123456789abcdef", SETTINGS).load_model()


def test_only_the_path_of_the_model_is_pickled() -> None:
    assert len(pickle.dumps(T5Handler("folder", "0", SETTINGS))) < 1000


def test_beam_joins_no_batches() -> None:
    assert T5Handler("folder", "0", SETTINGS).batch_elements_kwargs() == {"min_batch_size": 1, "max_batch_size": 1}

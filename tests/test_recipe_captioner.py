"""The T5 of a recipe is loaded, and its name holds a hash of its content."""

from pathlib import Path

import pytest

from augment.keyword_to_caption import T5Settings, prompt
from augment.text_models import Model
from pipeline.recipe.captioner import load_caption_model, with_instruction
from transforms.planning.debias import UNCHANGED, Neutral

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # from imports of the libraries


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_t5 import make_t5

    return make_t5(tmp_path_factory.mktemp("models") / "tiny", n_steps=0)


def test_a_model_is_named_by_the_last_part_of_its_folder_and_its_content(folder):
    settings = T5Settings(model="tiny", beams=2)
    model = load_caption_model(settings, folder.parent, neutral=UNCHANGED)
    assert model.path == str(folder) and len(model.digest) == 64
    assert model.name == f"tiny sha256:{model.digest[:12]}"
    assert model.settings is settings and model.neutral is UNCHANGED
    assert load_caption_model(T5Settings(model=str(folder)), Path("/"), neutral=Neutral("all")) != model


def test_a_model_that_cannot_be_loaded_names_the_key(tmp_path):
    with pytest.raises(ValueError, match=r"t5\.model = '/no/such/folder': /no/such/folder: no such folder"):
        load_caption_model(T5Settings(model="/no/such/folder"), tmp_path, neutral=Neutral("all"))


def test_a_model_with_a_chat_template_gets_an_instruction_unless_the_recipe_has_one():
    chat = Model("mine", "0", None, None, is_instruct=True)
    assert prompt(["Dog", "Rain"], with_instruction(T5Settings(model="mine"), chat)).endswith("and nothing else: dog, rain")
    assert with_instruction(T5Settings(model="mine", prefix="say: "), chat).prefix == "say: "
    assert with_instruction(T5Settings(model="Qwen/Qwen2.5-0.5B-Instruct"), chat).prefix == ""
    assert with_instruction(T5Settings(), Model("t5", "0", None, None)) == T5Settings()

"""The T5 of a recipe is loaded once, and named by its content."""

from pathlib import Path

import pytest

from augment.keyword_to_caption import T5Settings
from pipeline.recipe.captioner import find_captioner

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries, on their way in


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_t5 import make_t5

    return make_t5(tmp_path_factory.mktemp("models") / "tiny", n_steps=0)


def test_a_model_is_named_by_the_last_part_of_its_folder_and_its_content(folder):
    settings = T5Settings(model="tiny", beams=2)
    captioner = find_captioner(settings, folder.parent, debias=False)
    assert captioner.path == str(folder) and len(captioner.digest) == 64
    assert captioner.name == f"tiny sha256:{captioner.digest[:12]}"
    assert captioner.settings is settings and captioner.debias is False
    assert find_captioner(T5Settings(model=str(folder)), Path("/"), debias=True) != captioner


def test_a_model_that_cannot_be_loaded_names_the_key(tmp_path):
    with pytest.raises(ValueError, match=r"t5\.model = '/no/such/folder': /no/such/folder: no such folder"):
        find_captioner(T5Settings(model="/no/such/folder"), tmp_path, debias=True)

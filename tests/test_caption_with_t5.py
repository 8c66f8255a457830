"""Plans with captions by a T5: clips whose labels it words, texts that the guard accepts, and files of both."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from augment.keyword_to_caption import T5Settings
from pipeline.command import main
from pipeline.engines.run import Engine
from pipeline.failures import EngineError
from pipeline.output.plan_files import read_plan_file
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import Caption, Clip, TextHolds
from pipeline.verbs.plan import make_plan
from tests.eager import EagerEngine
from tests.fates import published
from tests.outcomes import clip
from tests.tiny_t5 import make_labelled, make_t5
from transforms.planning import caption_with_t5, t5_handler
from transforms.planning.caption_model import CaptionModel
from transforms.planning.plan_lines import PlannedClips

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries, while they are imported


EAGER = EagerEngine()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_t5(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def recipe(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_labelled(tmp_path_factory.mktemp("labelled"), tiny)


@pytest.fixture(scope="module")
def planned(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plan(recipe, tmp_path_factory.mktemp("planned") / "out")


def plan(recipe: Path, output: Path, engine: Engine = EAGER) -> Path:
    folder = Folder(str(output))
    make_plan(load_recipe(str(recipe)), take_snapshot(folder), None, engine)
    return output


def clips_of(output: Path, dataset: str) -> dict[str, Clip]:
    folder = Folder(str(output))
    return {clip.id: clip for name in folder.names(f"plan/{dataset}", ".parquet") for clip in read_plan_file(folder, name)}


def texts(clip: Clip) -> list[str]:
    return [caption.text for caption in clip.captions]


def test_labels_get_a_caption_where_the_guard_lets_it_stand(planned: Path) -> None:
    clips = clips_of(planned, "Labelled")
    assert texts(clips["dog"]) == ["The sound of dog and bark.", "A dog barks ."]
    assert texts(clips["dog-again"]) == ["The sound of bark and dog.", "A dog barks ."]
    assert texts(clips["zither"]) == ["The sound of zither."] and texts(clips["gong"]) == ["The sound of gong."]
    assert texts(clips["human"]) == ["Somebody wrote this."]
    assert texts(clips["short"]) == ["The sound of rain."] and len(texts(clips["many"])) == 1


def test_a_caption_says_by_which_model_and_prompt_and_what_debias_changed(planned: Path) -> None:
    template, generated = clips_of(planned, "Labelled")["speech"].captions
    assert template == Caption("The sound of male speech or man speaking and rain.", "template")
    assert (generated.text, generated.before_debias) == ("A person speaks in the rain .", "A man speaks in the rain .")
    assert generated.origin == "t5" and generated.prompt == "male speech rain"
    assert generated.model is not None and generated.model.startswith("tiny sha256:") and len(generated.model) == 24


def test_all_clips_of_a_dataset_say_what_text_holds_or_none_does(planned: Path) -> None:
    assert {clip.text_holds for clip in clips_of(planned, "Labelled").values()} == {"all"}
    assert {clip.text_holds for clip in clips_of(planned, "Plain").values()} == {None}


@pytest.mark.parametrize(("key", "holds"), [("only", "t5"), ("apart", "others")])
def test_only_and_apart_name_the_datasets_whose_text_is_the_t5s_alone_or_has_all_but_it(
    key: str, holds: str, tiny: Path, tmp_path: Path
) -> None:
    output = plan(make_labelled(tmp_path / "in", tiny, f'{key} = ["Labelled"]\n'), tmp_path / "out")
    assert {clip.text_holds for clip in clips_of(output, "Labelled").values()} == {holds}


def test_a_dataset_whose_table_brings_captions_by_a_t5_says_what_text_holds_although_none_is_asked_for() -> None:
    model = CaptionModel("folder", "folder sha256:0", "0", T5Settings(apart=("epidemic",)))
    with_t5 = clip("a", source="epidemic", captions=(Caption("Rain", "title"), Caption("It rains.", "t5")), text_holds=TextHolds.ALL)
    without = clip("b", source="epidemic", captions=(Caption("Rain", "title"),), dataset="Other")
    assert caption_with_t5.asked_datasets(PlannedClips(0, [with_t5, without], [0, 0]), model) == {"Set"}


def test_every_text_is_kept_with_the_rule_it_breaks_and_counted(planned: Path) -> None:
    rows = pq.read_table(planned / "plan/t5_texts.parquet").to_pylist()
    best = {tuple(row["keywords"]): (row["text"], row["rule"], row["n_clips"]) for row in rows if row["rank"] == 0}
    assert best == {
        ("Bark", "Dog"): ("A dog barks .", None, 2),
        ("Rain",): ("Rain is falling .", None, 1),
        ("Male speech, man speaking", "Rain"): ("A man speaks in the rain .", None, 1),
    }
    counts = json.loads((planned / "plan/plan.json").read_text())["t5"]
    assert counts == {"Labelled": {"clips": [6, 4], "sets": [5, 3], "rules": {"uncovered": 2}}}


def test_a_plan_is_the_same_for_any_number_of_workers_and_order_of_arrival(recipe: Path, planned: Path, tmp_path: Path) -> None:
    assert published(plan(recipe, tmp_path / "5", Engine("local", 5))) == published(planned)
    for seed in (1, 2):
        assert published(plan(recipe, tmp_path / f"seed-{seed}", EagerEngine(seed=seed))) == published(planned)


def no_inference(*_: object) -> list:
    raise AssertionError("the T5 was asked again")


def test_another_plan_asks_the_t5_for_nothing_it_has_written(
    tiny: Path, tmp_path: Path, planned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = plan(make_labelled(tmp_path / "in", tiny), tmp_path / "out")
    text = make_labelled(tmp_path / "again", tiny).read_text()
    (tmp_path / "in/recipe.toml").write_text('name = "x"\n' + text[text.index("[[sources]]") :])
    plan(tmp_path / "in/recipe.toml", output)  # by template in between
    assert "t5" not in json.loads((output / "plan/plan.json").read_text()) and not (output / "plan/t5_texts.parquet").exists()
    monkeypatch.setattr(t5_handler, "candidates", no_inference)
    plan(make_labelled(tmp_path / "in", tiny), output)
    assert published(output) == published(planned)


def test_a_killed_plan_goes_on_with_the_batches_it_has(
    recipe: Path, planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(caption_with_t5, "write_verdicts", killed)
        with pytest.raises(EngineError, match="killed"):
            plan(recipe, tmp_path)
    assert len(list((tmp_path / "plan/t5").iterdir())) == 3
    monkeypatch.setattr(t5_handler, "candidates", no_inference)
    assert published(plan(recipe, tmp_path)) == published(planned)


def test_without_debias_the_text_stands_as_it_was_written(tiny: Path, tmp_path: Path) -> None:
    path = make_labelled(tmp_path / "in", tiny)
    path.write_text("debias = 'none'\n" + path.read_text())
    assert texts(clips_of(plan(path, tmp_path / "out"), "Labelled")["speech"])[1] == "A man speaks in the rain ."


def complaint(path: Path, output: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["plan", str(path), "--output", str(output), *arguments]) == 2
    assert not (output / "plan").exists()
    return capsys.readouterr().err


def test_a_model_that_is_not_there_or_no_t5_ends_before_anything_is_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in/empty").mkdir(parents=True)
    assert "no config.json in it" in complaint(make_labelled(tmp_path / "in", Path("empty")), tmp_path / "out", capsys)
    (tmp_path / "in/empty/config.json").write_text('{"model_type": "bert"}')
    assert "no tokenizer in it" in complaint(tmp_path / "in/recipe.toml", tmp_path / "out", capsys)
    message = complaint(make_labelled(tmp_path / "in", Path("/no/such/folder")), tmp_path / "out", capsys)
    assert "t5.model = '/no/such/folder'" in message and "give the folder of a model, or a hub id such as" in message


def test_a_hub_out_of_reach_says_how_to_bring_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    message = complaint(make_labelled(tmp_path / "in", Path("nobody/nothing")), tmp_path / "out", capsys)
    assert "hf download nobody/nothing --local-dir FOLDER" in message


def test_a_missing_extra_is_named(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert "pip install 'laion-audio[captions]'" in complaint(recipe, tmp_path / "out", capsys)


def test_an_estimate_needs_no_model(tmp_path: Path) -> None:
    assert main(["plan", str(make_labelled(tmp_path, Path("/no/such/folder"))), "--dry-run"]) == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("beam = 2\n", "t5.beam = 2: no such key, allowed: model, beams"),
        ("beams = 0\n", "t5.beams = 0: input should be greater than or equal to 1"),
        (
            'only = ["Labeled"]\n',
            "t5.only = 'Labeled': no such source or dataset here, allowed: Labelled, Plain, table; did you mean 'Labelled'?",
        ),
    ],
)
def test_faults_of_the_table_are_named(more: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in complaint(make_labelled(tmp_path / "in", Path("x"), more), tmp_path / "out", capsys)


def test_a_table_that_has_no_effect_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_labelled(tmp_path / "in", Path("x"))
    path.write_text(path.read_text().replace('captions = "t5"\n', ""))
    assert 't5: used only with captions = "t5"' in complaint(path, tmp_path / "out", capsys)


def test_plan_and_status_print_the_pass_rate_and_what_debias_changed(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(recipe), "--output", str(tmp_path)]) == 0
    message = capsys.readouterr().out
    assert "Labelled: the T5's caption passes the guard for 3 of 5 keyword sets (60.0%), 4 of 6 clips; refused: uncovered 2" in message
    assert "  passes: Rain -> Rain is falling ." in message
    assert main(["status", str(tmp_path), "--captions"]) == 0
    assert "person: A man speaks in the rain . -> A person speaks in the rain ." in capsys.readouterr().out
    assert main(["status", str(tmp_path), "--captions", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {name: facts["origins"] for name, facts in report.items()} == {
        "Labelled": {"human": 1, "t5": 4, "template": 8},
        "Plain": {"human": 1},
    }
    assert report["Labelled"]["debias"]["rules"] == {"person": 1} and report["Labelled"]["guard"]["sets"] == [5, 3]
    assert [change.keys() for change in report["Labelled"]["changes"]] == [{"key", "before", "after", "rules"}]

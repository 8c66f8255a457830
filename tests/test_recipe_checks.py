"""Faults that depend on several keys: hold-outs, tables without effect, limits of audio that disagree."""

from pathlib import Path

import pytest

from pipeline.recipe.checks import check_keys_together
from tests.recipes import SOURCE, faults_of, make_folder, recipe_of


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "home")


def test_a_valid_recipe_has_no_faults(home):
    (home / "ids.txt").write_text("7\n")
    (home / "none.csv").write_text("recording\n")
    tables = '{ path = "ids.txt", source = "freesound", seconds = true }, { name = "Set:test" }, { path = "none.csv", allow_empty = true }'
    heads = [
        f'holdout = ["Set:test", "table", "Set", "held.csv", {tables}]',
        'captions = "t5"\n[t5]\nonly = ["Set", "table"]',
        'captions = "t5"',
    ]
    assert [check_keys_together(recipe_of(home, head)) for head in heads] == [[], [], []]


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ('holdout = ["set"]', "holdout = 'set': neither a file of addresses nor a source of this recipe, allowed: Set, table, each"),
        ('holdout = ["set"]', "did you mean 'Set'?"),
        ('local_files = ["sounds", "clips.csv"]', "local_files = 'clips.csv': no such folder below"),
        ('local_files = ["missing"]', "local_files = 'missing': no such folder below"),
        ('holdout = [""]', "holdout = '': neither a file"),
        ('holdout = ["Set:a b"]', "holdout = 'Set:a b': split 'a b' is not a name"),
        ('holdout = ["clips.csv", "missing.csv"]', "holdout = 'missing.csv': neither a file"),
        ('holdout = ["bad.csv"]', "bad.csv: neither recording nor url is there; the columns are id; for a column of bare ids write"),
        ('holdout = ["none.csv"]', "holdout = 'none.csv': the list is empty; if that is right, add allow_empty = true"),
        ('holdout = [{ path = "held.csv", sorce = "x" }]', "holdout.0.sorce = 'x': no such key, allowed: name, path, source, allow_empty"),
        ('holdout = [{ path = "held.csv", source = "x" }]', "holdout.0.source = 'x': input should be 'freesound' or 'youtube'"),
        ('holdout = [{ path = "held.csv", name = "Set" }]', "give either name, a source or dataset of this recipe, or path, a list"),
        ('holdout = [{ name = "Set", source = "freesound" }]', "source says whose ids a list holds; give the list as path"),
        ('holdout = [{ path = "missing.csv" }]', "missing.csv: no such file"),
        ('holdout = [{ name = "Sett" }]', "holdout = 'Sett': neither a file of addresses nor a source of this recipe"),
        ("holdout = [1]", 'holdout.0 = 1: input should be a valid string, or a table as { path = "ids.csv", source = "freesound" }'),
        ('holdout = ["r.toml"]', "tables are read as .csv, .tsv, .jsonl, .parquet, not .toml"),
        (f'holdout = ["{"x" * 5000}"]', "File name too long"),
        ('licenses = ["cc0", "CC-BY-4.O"]', "licenses = 'CC-BY-4.O': it is not on the SPDX list (did you mean 'CC-BY-4.0'?)"),
        ('licenses = ["Attribution"]', "licenses = 'Attribution': it gives no version"),
    ],
)
def test_a_holdout_or_a_licence_that_names_nothing_is_a_fault(home, head, fault):
    (home / "bad.csv").write_text("id\n7\n")
    (home / "none.csv").write_text("recording\n")
    [line] = faults_of(home, head)
    assert fault in line


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ("[t5]\nbeams = 2", 't5: used only with captions = "t5"'),
        (
            'captions = "t5"\n[t5]\napart = ["Sett"]',
            "t5.apart = 'Sett': no such source or dataset here, allowed: Set, table; did you mean",
        ),
        ('captions = "t5"\n[t5]\nonly = ["Set"]\napart = ["Set"]', "t5.only and t5.apart: 'Set' is in both"),
        (
            'captions = "t5"\n[t5]\nonly = ["Sett"]',
            "t5.only = 'Sett': no such source or dataset here, allowed: Set, table; did you mean",
        ),
    ],
)
def test_a_t5_without_effect_is_a_fault(home, head, fault):
    [line] = faults_of(home, head)
    assert line.startswith(fault)


@pytest.mark.parametrize(
    ("sources", "fault"),
    [
        (
            SOURCE + "audio.min_seconds = 9.0" + "\n[audio]\nmax_seconds = 8.0",
            "recipe's [audio]: min_seconds is above",
        ),
        (
            SOURCE + SOURCE + "audio.min_seconds = 1.0",
            "sources[1].audio: another source of dataset 'Set' has other limits",
        ),
        (
            SOURCE + SOURCE.replace('"Set"', '"Other"') + "audio.min_seconds = 9.0" + "\n[audio]\nmax_seconds = 8.0",
            "sources[1].audio, with the recipe's [audio]: min_seconds is above max_seconds",
        ),
    ],
)
def test_limits_of_audio_that_disagree_are_a_fault(home, sources, fault):
    [line] = faults_of(home, sources=sources)
    assert fault in line


def test_equal_limits_of_sources_of_one_dataset_are_no_fault(home):
    assert recipe_of(home, sources=2 * (SOURCE + "audio.min_seconds = 1.0\n")).sources[1].audio == {"min_seconds": 1.0}

"""A recipe is checked completely before anything runs; its fingerprint changes with everything that decides the plan."""

import os
import shutil
from pathlib import Path

import pytest

from pipeline.failures import RecipeError
from pipeline.recipe.model import load_recipe
from pipeline.records import AudioLimits
from sources import SOURCES
from tests.recipes import SOURCE, faults_of, make_folder, recipe_of


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "home")


def test_the_bundled_recipe_loads_by_name():
    assert [options.source for options in load_recipe("quickstart").sources] == ["quickstart"]


def test_the_smallest_recipe_has_the_published_defaults(home):
    recipe = recipe_of(home)
    assert (recipe.shard_size, recipe.debias, recipe.captions, recipe.licenses) == (512, "generated", "template", ())
    assert (recipe.audio.min_seconds, recipe.audio.max_seconds, recipe.audio.min_source_rate) == (0.0, 7200.0, 1000)


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ("shrd_size = 3", "shrd_size = 3: no such key, allowed: name, folder, shard_size, "),
        ("shrd_size = 3", "did you mean 'shard_size'?"),
        ('base = "/"', "base = '/': no such key"),
        ("folder = 3", "folder = 3: input should be a valid string"),
        ('shard_size = "512"', "shard_size = '512': input should be a valid integer"),
        ("shard_size = true", "shard_size = True: input should be a valid integer"),
        ("shard_size = 1.5", "shard_size = 1.5: input should be a valid integer"),
        ("shard_size = 0", "shard_size = 0: input should be greater than or equal to 1"),
        ("shard_size = 100001", "shard_size = 100001: input should be less than or equal to 100000"),
        ('debias = "yes"', "debias = 'yes': input should be 'generated', 'train', 'all' or 'none'"),
        ("debias = true", 'true is written "all" now; the values are generated, train, all, none'),
        ('captions = "gpt"', "captions = 'gpt': input should be 'template'"),
        ('holdout = "Set"', "holdout = 'Set': input should be a valid list"),
        ("licenses = [1]", "licenses.0 = 1: input should be a valid string"),
        ("audio = 3", "audio = 3: input should be a table"),
        ("[audio]\nmin_secs = 1", "audio.min_secs = 1: no such key, allowed: min_seconds, max_seconds, min_source_rate, silent_below_db;"),
        ("[audio]\nmin_seconds = -1", "audio.min_seconds = -1: input should be greater than or equal to 0"),
        ("[audio]\nmax_seconds = nan", "audio.max_seconds = nan: input should be "),
        ("[audio]\nmin_seconds = inf", "audio.min_seconds = inf: input should be a finite number"),
        ("[audio]\nsilent_below_db = 3.0", "audio.silent_below_db = 3.0: input should be less than or equal to 0"),
        ("[audio]\nmin_seconds = 5.0\nmax_seconds = 2.0", "min_seconds is above max_seconds, so nothing could become a sample"),
    ],
)
def test_a_fault_names_key_given_and_allowed(home, head, fault):
    [line] = faults_of(home, head)
    assert fault in line


def test_rows_may_name_files_in_the_folders_of_recipe_and_tables_and_in_local_files(tmp_path):
    home = make_folder(tmp_path / "home")
    (tmp_path / "other").mkdir()
    (tmp_path / "clips.csv").write_text("url,caption\na.wav,A dog\n")
    sources = SOURCE.replace("clips.csv", "../clips.csv") + '[[sources]]\nsource = "folder"\ndataset = "F"\nroot = "sounds"\n'
    recipe = recipe_of(home, 'local_files = ["../other"]', sources + 'audio_root = "/tmp"\n')
    assert recipe.local_folders.allowed == (home, tmp_path, home / "sounds", Path("/tmp"), tmp_path / "other")
    assert recipe.sources[1].allowed_folders == (home, home / "../other")
    assert recipe.fingerprint(None) != recipe_of(home, "", sources).fingerprint(None)


@pytest.mark.parametrize(
    ("sources", "fault"),
    [
        ("", "sources: none given, at least one [[sources]] table is needed"),
        ('[sources]\nsource = "table"', "sources: none given, at least one [[sources]] table is needed"),
        ('[[sources]]\ndataset = "D"', f"sources[0].source: none given, allowed: {', '.join(SOURCES)}"),
        ('[[sources]]\nsource = "tabel"', f"sources[0].source = 'tabel': no such source, allowed: {', '.join(SOURCES)}"),
        ('[[sources]]\nsource = "tabel"', "did you mean 'table'?"),
        ('[[sources]]\nsource = "table"\ndataset = "D"', "sources[0].path: none given, it is needed"),
        (
            SOURCE + 'captions = "x"',
            "sources[0].captions = 'x': no such key, allowed: source, dataset, audio_root, audio, debias, license_version_default, path",
        ),
        (SOURCE + "caption = 3", "sources[0].caption = 3: input should be a valid list"),
        (SOURCE + 'base = "/"', "sources[0].base = '/': no such key"),
        (SOURCE + 'labels = "tags"', "labels = 'tags': no such column, there are url, caption"),
        (SOURCE + "audio.min_second = 1.0", "sources[0].audio.min_second = 1.0: no such key, allowed: min_seconds, max_seconds"),
        (SOURCE + "audio.max_seconds = 0.0", "sources[0].audio.max_seconds = 0.0: input should be greater than 0"),
        (SOURCE + 'audio_root = "nowhere"', "sources[0].audio_root = 'nowhere': no such folder or archive below"),
        (SOURCE.replace("clips.csv", "clip.csv"), "clip.csv: no such file"),
        (SOURCE.replace("clips.csv", "x" * 5000 + ".csv"), "File name too long"),
        (SOURCE.replace('"Set"', '"a/b"'), "sources[0].dataset = 'a/b': string should match pattern"),
        (
            SOURCE.replace('"Set"', '"plan"'),
            "sources[0].dataset = 'plan': plan is the name of another file or folder",
        ),
        ('[[sources]]\nsource = "folder"\ndataset = "D"\nroot = "clips.csv"', "root = 'clips.csv': no such folder below"),
    ],
)
def test_a_fault_of_a_source_names_the_entry(home, sources, fault):
    [line] = faults_of(home, sources=sources)
    assert fault in line


def test_all_faults_are_listed_at_once(home):
    sources = '[[sources]]\nsource = "x"\n' + SOURCE + 'url = "u"\n'
    lines = faults_of(home, 'shard_size = 0\nholdout = ["x"]\nnonsense = 1', sources, name="")
    assert len(lines) == 5
    assert lines[0].startswith("name: none given, it is needed")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"name = ", "not TOML: "), (b'name = "caf\xe9"', "not TOML: 'utf-8' codec"), (b"a = " + b"[" * 50_000, "not TOML: ")],
)
def test_a_file_that_is_not_toml_is_refused(home, content, message):
    (home / "r.toml").write_bytes(content)
    with pytest.raises(RecipeError, match=message):
        load_recipe(str(home / "r.toml"))


def test_a_byte_order_mark_is_ignored(home):
    (home / "r.toml").write_text('\ufeffname = "x"\n' + SOURCE, encoding="utf-8")
    assert load_recipe(str(home / "r.toml")).name == "x"


def test_the_fingerprint_stays_when_the_folder_moves(home, tmp_path, monkeypatch):
    folder = '[[sources]]\nsource = "folder"\ndataset = "F"\nroot = "sounds"\n'
    before = recipe_of(home, 'holdout = ["held.csv"]', SOURCE + folder).fingerprint(None)
    shutil.move(home, tmp_path / "elsewhere")
    assert load_recipe(str(tmp_path / "elsewhere" / "r.toml")).fingerprint(None) == before
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_recipe("r.toml").fingerprint(None) == before


def test_the_fingerprint_changes_with_everything_that_decides_the_plan(home):
    folder = '[[sources]]\nsource = "folder"\ndataset = "F"\nroot = "sounds"\n'

    def fingerprint(head: str = "", limit: int | None = None) -> str:
        return recipe_of(home, 'holdout = ["held.csv"]\n' + head, SOURCE + folder).fingerprint(limit)

    fingerprints = [
        fingerprint(),
        fingerprint(limit=1),
        fingerprint('licenses = ["CC0-1.0"]'),
        fingerprint("debias = 'none'"),
        fingerprint("debias_level = 'voices kept'"),
        fingerprint("template_labels = 3"),
        fingerprint("[audio]\nmin_seconds = 1"),
    ]
    for name, content in (
        ("clips.csv", "url,caption\na.wav,A cat\n"),
        ("held.csv", "url\nc.wav\n"),
        ("sounds/dog/bark.txt", "A bark"),
        ("sounds/dog/howl.wav", ""),
        ("sounds/captions.csv", "file_name,caption\ndog/howl.wav,A howl\n"),
    ):
        (home / name).write_text(content)
        fingerprints.append(fingerprint())
    assert len(set(fingerprints)) == len(fingerprints)


def test_the_fingerprint_ignores_what_does_not_decide_the_plan(home):
    folder = '[[sources]]\nsource = "folder"\ndataset = "F"\nroot = "."\n'
    before = recipe_of(home, sources=folder).fingerprint(None)
    (home / "out" / "F" / "train").mkdir(parents=True)
    (home / "out" / "F" / "train" / "0.tar").write_bytes(b"a shard in an output folder below the root")
    (home / "sounds" / "dog" / "bark.wav").write_bytes(b"audio counts by its name, shards know its hash")
    assert recipe_of(home, sources=folder).fingerprint(None) == before


def test_a_file_name_that_is_not_unicode_has_a_fingerprint(home):
    Path(str(home / "sounds") + "/caf\udce9.wav").touch()
    assert recipe_of(home, sources='[[sources]]\nsource = "folder"\ndataset = "F"\nroot = "sounds"\n').fingerprint(None)


def test_limits_of_a_source_override_those_of_the_recipe(home):
    limits = "[sources.audio]\nmax_seconds = 180.0\n"
    recipe = recipe_of(home, "[audio]\nmin_seconds = 1.0", SOURCE + limits + SOURCE.replace('"Set"', '"Other"'))
    audio = [recipe.audio_of(options) for options in recipe.sources]
    assert [(limits.min_seconds, limits.max_seconds) for limits in audio] == [(1.0, 180.0), (1.0, 7200.0)]


def test_the_limits_of_a_source_are_compared_with_those_of_the_recipe_not_with_the_defaults(home):
    recipe = recipe_of(home, "[audio]\nmax_seconds = 10000.0", SOURCE + "[sources.audio]\nmin_seconds = 9000.0\n")
    assert recipe.audio_of(recipe.sources[0]) == AudioLimits(min_seconds=9000.0, max_seconds=10000.0)


def test_of_many_faults_the_first_fifty_are_listed_and_the_others_counted(home):
    def faults(n: int) -> list[str]:
        return faults_of(home, "\n".join(f"key{number} = 1" for number in range(n)))

    assert len(faults(50)) == 50 and "key49" in faults(50)[-1]
    assert len(faults(53)) == 51 and faults(53)[-1] == "3 more faults"


def test_paths_start_from_the_folder_that_a_recipe_names(home, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for given in (str(home), "../home"):
        assert recipe_of(tmp_path / "elsewhere", f"folder = {given!r}").sources[0].resolve("clips.csv").samefile(home / "clips.csv")
    assert recipe_of(home).folder == home
    recipe = recipe_of(tmp_path / "elsewhere", f"folder = {str(home)!r}\nholdout = ['held.csv']")
    assert recipe.fingerprint(None) == recipe_of(home, "holdout = ['held.csv']").fingerprint(None)


def test_a_fault_stays_one_line_when_the_path_has_a_line_break(tmp_path):
    folder = make_folder(tmp_path / "a\nb")
    (folder / "r.toml").write_text("shard_size = 0\n" + SOURCE)
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(folder / "r.toml"))
    first, second = str(caught.value).split("\n")
    assert first == f"{str(folder / 'r.toml')!r}: name: none given, it is needed" and "shard_size = 0" in second


def test_a_folder_whose_name_is_not_utf8_is_a_fault(tmp_path):
    folder = make_folder(tmp_path / os.fsdecode(b"caf\xe9"))
    (folder / "r.toml").write_text('name = "x"\n' + SOURCE)
    with pytest.raises(RecipeError, match="its name is not UTF-8"):
        load_recipe(str(folder / "r.toml"))


def test_names_are_the_sources_and_datasets_in_order(home):
    assert recipe_of(home, sources=SOURCE.replace("Set", "b") + SOURCE.replace("Set", "A")).names == ["A", "b", "table"]


def test_a_misspelt_key_of_a_host_is_named_with_the_host_and_the_nearest_key(home):
    recipe = 'name = "x"\n[hosts."api.example.org"]\nper_hours = 4\nper_day = 0\n[[sources]]\nsource = "quickstart"\n'
    (home / "hosts.toml").write_text(recipe)
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(home / "hosts.toml"))
    assert '"api.example.org".per_hours = 4: no such key' in str(caught.value) and "did you mean 'per_hour'?" in str(caught.value)
    assert '"api.example.org".per_day = 0: input should be greater than or equal to 1' in str(caught.value)


def test_a_table_of_ones_own_that_is_missing_is_a_fault_also_of_an_estimate(home):
    (home / "own.toml").write_text('name = "x"\n[[sources]]\nsource = "table"\ndataset = "D"\npath = "gone.csv"\n')
    with pytest.raises(RecipeError, match=r"gone\.csv"):
        load_recipe(str(home / "own.toml"), files_are_needed=False)

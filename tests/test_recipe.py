"""A recipe is checked completely before anything runs, and its fingerprint is what decides the plan."""

import shutil
from pathlib import Path

import pytest

from pipeline.failures import RecipeError
from pipeline.recipe.locate import bundled
from pipeline.recipe.model import load_recipe
from pipeline.records import AudioLimits
from sources import SOURCES

SOURCE = '[[sources]]\nsource = "table"\ndataset = "Set"\npath = "clips.csv"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a table, a list of held recordings and a folder of recordings."""
    home = tmp_path / "home"
    (home / "sounds" / "dog").mkdir(parents=True)
    (home / "sounds" / "dog" / "bark.wav").touch()
    (home / "clips.csv").write_text("url,caption\na.wav,A dog\n")
    (home / "held.csv").write_text("url\nb.wav\n")
    return home


def recipe_of(home: Path, head: str = "", sources: str = SOURCE, name: str = 'name = "x"\n'):
    (home / "r.toml").write_text(name + head + "\n" + sources, encoding="utf-8")
    return load_recipe(str(home / "r.toml"))


def faults(home: Path, *given: str, **keys: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        recipe_of(home, *given, **keys)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{home / 'r.toml'}: ") for line in lines)
    return [line.removeprefix(f"{home / 'r.toml'}: ") for line in lines]


def test_the_smallest_recipe_has_the_published_defaults(home):
    recipe = recipe_of(home)
    assert (recipe.shard_size, recipe.debias, recipe.captions, recipe.licenses) == (512, True, "template", ())
    assert (recipe.audio.min_seconds, recipe.audio.max_seconds, recipe.audio.min_source_rate) == (0.0, 7200.0, 1000)


def test_the_bundled_set_loads_by_name():
    assert "quickstart" in bundled()
    assert [options.source for options in load_recipe("quickstart").sources] == ["quickstart"]


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
        ('debias = "yes"', "debias = 'yes': input should be a valid boolean"),
        ("debias = 1", "debias = 1: input should be a valid boolean"),
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
        ('holdout = ["set"]', "holdout = 'set': neither a file of addresses nor a source of this recipe, allowed: Set, table, each"),
        ('holdout = ["set"]', "did you mean 'Set'?"),
        ('holdout = [""]', "holdout = '': neither a file"),
        ('holdout = ["Set:a b"]', "holdout = 'Set:a b': split 'a b' is not a name"),
        ('holdout = ["clips.csv", "missing.csv"]', "holdout = 'missing.csv': neither a file"),
        ('holdout = ["bad.csv"]', "row 1: neither recording nor url is given"),
        ('holdout = ["r.toml"]', "tables are read as .csv, .tsv, .jsonl, .parquet, not .toml"),
        (f'holdout = ["{"x" * 5000}"]', "File name too long"),
    ],
)
def test_a_fault_names_key_given_and_allowed(home, head, fault):
    (home / "bad.csv").write_text("id\n7\n")
    [said] = faults(home, head)
    assert fault in said


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
            "sources[0].captions = 'x': no such key, allowed: source, dataset, audio_root, audio, path, url, caption",
        ),
        (SOURCE + "caption = 3", "sources[0].caption = 3: input should be a valid list"),
        (SOURCE + 'base = "/"', "sources[0].base = '/': no such key"),
        (SOURCE + 'labels = "tags"', "labels = 'tags': no such column, there are url, caption"),
        (SOURCE + "audio.min_second = 1.0", "sources[0].audio.min_second = 1.0: no such key, allowed: min_seconds, max_seconds"),
        (SOURCE + "audio.max_seconds = 0.0", "sources[0].audio.max_seconds = 0.0: input should be greater than 0"),
        (
            SOURCE + "audio.min_seconds = 9.0" + "\n[audio]\nmax_seconds = 8.0",
            "recipe's [audio]: min_seconds is above",
        ),
        (
            SOURCE + SOURCE + "audio.min_seconds = 1.0",
            "sources[1].audio: another source of dataset 'Set' has other limits",
        ),
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
    [said] = faults(home, sources=sources)
    assert fault in said


def test_a_source_may_have_limits_of_its_own(home):
    own = "[sources.audio]\nmax_seconds = 180.0\n"
    recipe = recipe_of(home, "[audio]\nmin_seconds = 1.0", SOURCE + own + SOURCE.replace('"Set"', '"Other"'))
    audio = [recipe.audio_of(options) for options in recipe.sources]
    assert [(one.min_seconds, one.max_seconds) for one in audio] == [(1.0, 180.0), (1.0, 7200.0)]


def test_the_limits_of_a_source_are_compared_with_those_of_the_recipe_not_with_the_defaults(home):
    recipe = recipe_of(home, "[audio]\nmax_seconds = 10000.0", SOURCE + "[sources.audio]\nmin_seconds = 9000.0\n")
    assert recipe.audio_of(recipe.sources[0]) == AudioLimits(min_seconds=9000.0, max_seconds=10000.0)


def test_all_faults_are_said_at_once(home):
    said = faults(home, 'shard_size = 0\nholdout = ["x"]\nnonsense = 1', '[[sources]]\nsource = "x"\n' + SOURCE + 'url = "u"\n', name="")
    assert len(said) == 5
    assert said[0].startswith("name: none given, it is needed")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"name = ", "not TOML: "), (b'name = "caf\xe9"', "not TOML: 'utf-8' codec"), (b"a = " + b"[" * 50_000, "not TOML: ")],
)
def test_what_is_not_toml_is_said_to_be_none(home, content, said):
    (home / "r.toml").write_bytes(content)
    with pytest.raises(RecipeError, match=said):
        load_recipe(str(home / "r.toml"))


def test_a_byte_order_mark_does_no_harm(home):
    (home / "r.toml").write_text('\ufeffname = "x"\n' + SOURCE, encoding="utf-8")
    assert load_recipe(str(home / "r.toml")).name == "x"


def test_a_recipe_that_is_nowhere_names_the_bundled_ones():
    with pytest.raises(RecipeError, match=r"quickstrat: neither a bundled recipe \(.*\) nor a TOML file; did you mean 'quickstart'\?"):
        load_recipe("quickstrat")


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

    seen = [
        fingerprint(),
        fingerprint(limit=1),
        fingerprint('licenses = ["CC0-1.0"]'),
        fingerprint("debias = false"),
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
        seen.append(fingerprint())
    assert len(set(seen)) == len(seen)


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

"""What an audio_root may be is known before anything is fetched."""

from __future__ import annotations

import re

import pytest

from pipeline.failures import RecipeError
from pipeline.recipe.model import load_recipe
from transforms.fetching.roots.root_addresses import ArchiveAddress, root_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("here", None),
        ("{base}/here", None),
        ("file://{base}/here", None),
        ("file://localhost{base}/here", None),
        ("https://example.org/dev.zip", None),
        ("https://example.org/dev.zip?download=1#md5=9a0364b9e99bb480dd25e1f0284c8555", None),
        ("https://example.org/dev.zip#md5:9a0364b9e99bb480dd25e1f0284c8555", None),
        ("s3://bucket/recordings", None),
        ("gs://bucket/dev.tar.gz", None),
        ("there", "no such folder or archive below"),
        ("file:///no/such/folder", "no such folder or archive"),
        ("file://nas/here", "'nas' is another machine: write file:///path"),
        ("ftp://example.org/dev.zip", "ftp:// is not read, allowed: a path, or an address with file, gs, http, https, s3"),
        ("https://example.org/dev.zip#part2", "'part2' is not a checksum, allowed: #md5= and 32 digits"),
        ("https://me:pw@example.org/dev.zip", "its address holds a user, a password or a token"),
        ("https://example.org/dev.zip?token=abc#md5=9a0364b9e99bb480dd25e1f0284c8555", "its address holds a user"),
    ],
)
def test_a_fault_is_reported_and_what_is_right_passes(tmp_path, text, fault):
    (tmp_path / "here").mkdir()
    result = root_fault(text.format(base=tmp_path), tmp_path)
    assert (result is None) == (fault is None)
    assert fault is None or fault in result


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://zenodo.org/records/1/files/FSD50K.dev_audio.zip?download=1", "FSD50K.dev_audio.zip"),
        ("https://zenodo.org/api/records/1/files/a%20b.zip/content", "a_b.zip"),
        ("https://h/" + "a" * 500 + ".zip", "a" * 96 + ".zip"),
        ("https://h/..%2f..%2fetc", "_.._etc"),
        ("https://h/", "archive"),
        ("https://[::1", "archive"),
    ],
)
def test_the_name_of_an_archive_is_one_that_a_disk_can_store(url, name):
    assert ArchiveAddress(url).name == name


def recipe_with(tmp_path, root: str) -> str:
    (tmp_path / "clips.csv").write_text("id,caption\n1,rain\n")
    lines = ['name = "r"', 'local_files = ["s3://other/sounds"]', "[[sources]]", 'source = "table"', 'dataset = "D"', 'path = "clips.csv"']
    (tmp_path / "r.toml").write_text("\n".join([*lines, 'id = "id"', 'caption = "caption"', f'audio_root = "{root}"']))
    return str(tmp_path / "r.toml")


def test_a_recipe_may_name_an_address_and_its_folders_are_known(tmp_path):
    recipe = load_recipe(recipe_with(tmp_path, "s3://bucket/recordings"))
    assert recipe.local_folders.remote == ("s3://bucket/recordings", "s3://other/sounds")
    assert recipe.local_folders.others == ()
    assert load_recipe(recipe_with(tmp_path, "https://example.org/dev.zip")).local_folders.others == ()
    (tmp_path / "sounds").mkdir()
    assert load_recipe(recipe_with(tmp_path, f"file://{tmp_path}/sounds")).local_folders.others == (tmp_path / "sounds",)


def test_a_recipe_with_a_wrong_root_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=re.escape("sources[0].audio_root = 'ftp://h/a.zip': ftp:// is not read")):
        load_recipe(recipe_with(tmp_path, "ftp://h/a.zip"))

"""YAML of others becomes mappings, lists and texts: nothing is executed, and nothing grows."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sources.metadata.yaml_texts import MAX_DEPTH, read_yaml

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
VALUES = st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=12)


def read(folder: Path, content: str | bytes) -> object:
    path = folder / "a.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_yaml(path)


@given(VALUES)
def test_what_a_writer_of_yaml_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    assert read(tmp_path_factory.mktemp("yaml"), yaml.safe_dump(value, allow_unicode=True)) == value


def test_scalars_stay_texts(tmp_path: Path) -> None:
    assert read(tmp_path, "a: no\nb: 007\nc: 2020-01-01\nd: 1.0\ne:\n") == {"a": "no", "b": "007", "c": "2020-01-01", "d": "1.0", "e": ""}
    assert read(tmp_path, "") is None
    assert read(tmp_path, "a\n---\nb\n") == "a"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 200_000, f"more than {MAX_DEPTH} levels in line 1"),
        ("- " * 50_000, f"more than {MAX_DEPTH} levels"),
        ("{a: " * 50_000, f"more than {MAX_DEPTH} levels"),
        ("a: &x [1]\nb: [*x, *x]\n", r"an alias \(\*x\) in line 2"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", r"an alias \(\*x\) in line 3"),
        ("? [a]\n: b\n", "a key that is no text in line 1"),
        ("a: [1\n", "not YAML"),
        ("\tb: 1", "not YAML"),
        (b"a: \xff", "not YAML"),
        (b"a: \x00", "not YAML"),
    ],
)
def test_other_files_are_refused_at_once(content: str | bytes, message: str, tmp_path: Path) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content)
    assert time.process_time() - began < 2


def test_tags_construct_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "a: !!python/object/apply:os.getcwd []\n") == {"a": []}

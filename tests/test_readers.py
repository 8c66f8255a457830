"""Other programs can read the shards: webdataset, and a trainer with the rules of the reference trainer."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from tests.fates import build_into, make_fates


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readers")
    build_into(folder / "out", make_fates(folder / "in"))
    return folder / "out"


@pytest.fixture
def webdataset() -> Iterator[object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies are deprecated, which does not matter here
        import webdataset

        yield webdataset


def test_webdataset_reads_every_sample(webdataset, output: Path) -> None:  # type: ignore[no-untyped-def]
    for sizes in output.glob("*/*/sizes.json"):
        counts = json.loads(sizes.read_text())
        urls = [str(sizes.parent / tar) for tar in counts]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            samples = list(webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).to_tuple("__key__", "flac", "json"))
        assert len(samples) == sum(counts.values())
        for _, flac, text in samples:
            frames, rate = soundfile.read(io.BytesIO(flac), dtype="int16")
            assert rate == 48_000 and frames.ndim == 1 and len(frames)
            assert json.loads(text)["text"]


def test_the_rules_of_the_reference_trainer_hold(output: Path) -> None:
    """sizes.json lists the shards; keys end at the first dot; `text` and `tag` are lists; both augmented texts exist, or neither."""
    import tarfile

    for sizes in output.glob("*/*/sizes.json"):
        for tar, count in json.loads(sizes.read_text()).items():
            with tarfile.open(sizes.parent / tar) as file:
                names = file.getnames()
                grouped: dict[str, list[str]] = {}
                for name in names:
                    key, extension = name.split(".", 1)
                    grouped.setdefault(key, []).append(extension)
                assert len(grouped) == count
                assert all(extensions == ["flac", "json"] for extensions in grouped.values())
                for key in grouped:
                    sample = json.load(file.extractfile(f"{key}.json"))  # type: ignore[arg-type]
                    assert isinstance(sample["text"], list) and sample["text"][0]
                    assert isinstance(sample["tag"], list)
                    assert ("text_augment_all" in sample) == ("text_augment_t5" in sample)


def test_the_split_names_are_those_that_trainers_look_for(output: Path) -> None:
    assert {path.name for path in (output / "Fates").iterdir()} == {"train", "valid", "test"}

"""Our result for every container and codec that ffmpeg writes, whole and damaged, is that of ffmpeg, or differs on purpose."""

import random
from pathlib import Path

import pytest

from tests.differential import COMBINATIONS, MEANT, VARIANTS, disagreement

ALL = [(name, variant) for name in COMBINATIONS for variant in VARIANTS]
SOME = random.Random(7).sample(ALL, 10)


def test_more_than_sixty_containers_and_codecs_are_compared():
    assert len(COMBINATIONS) > 60


@pytest.mark.parametrize(("name", "variant"), SOME)
def test_some_results_are_those_of_ffmpeg_or_differ_on_purpose(name, variant, tmp_path):
    assert disagreement(name, variant, tmp_path) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", COMBINATIONS)
def test_every_result_is_that_of_ffmpeg_or_differs_on_purpose(name, tmp_path):
    assert [(variant, fault) for variant in VARIANTS if (fault := disagreement(name, variant, tmp_path))] == []


def test_meant_differences_stand_in_the_documentation():
    text = (Path(__file__).parents[1] / "docs" / "audio.md").read_text()
    for (kind, variant), why in MEANT.items():
        assert f"| {kind.replace('*', 'all')} | {variant} | {why} |" in text

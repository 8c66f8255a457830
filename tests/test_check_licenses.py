"""Only clips under a licence of the allow list are planned."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Clip, Reason, Rejected
from tests.eager import collect
from transforms.planning.check_licenses import CheckLicenses, check_license


def clip(license: str | None) -> Clip:
    return Clip("s", "S", "train", license or "none", "u", license=license)


CLIPS = [clip("CC0-1.0"), clip("CC-BY-4.0"), clip("own licence"), clip(None)]


def test_an_empty_list_allows_every_clip() -> None:
    assert [check_license(each, ()) for each in CLIPS] == CLIPS


def test_a_licence_of_the_list_is_allowed() -> None:
    assert check_license(CLIPS[1], ("CC0-1.0", "CC-BY-4.0")) is CLIPS[1]


@pytest.mark.parametrize(
    ("license", "message"),
    [
        ("CC-BY-NC-3.0", "license: CC-BY-NC-3.0, allowed: CC0-1.0, CC-BY-4.0"),
        (None, "license: no licence given, allowed: CC0-1.0, CC-BY-4.0"),
    ],
)
def test_a_clip_with_another_licence_is_rejected_with_its_name(license: str | None, message: str) -> None:
    with pytest.raises(Rejected) as caught:
        check_license(clip(license), ("CC0-1.0", "CC-BY-4.0"))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("allowed", "n_clips"), [(["cc0"], 1), (["CC BY 4.0", "CC0-1.0"], 2), (["LicenseRef-own-licence"], 1), (["MIT"], 0), ([], 4)]
)
def test_the_list_may_be_written_as_people_write_licences(allowed: list[str], n_clips: int) -> None:
    clips, rejections = collect(lambda root: root | beam.Create(CLIPS) | CheckLicenses(allowed))
    assert (len(clips), len(rejections)) == (n_clips, 4 - n_clips)
    assert {(rejection.reason, rejection.stage) for rejection in rejections} <= {(Reason.LICENSE, "check_licenses")}


def test_licences_are_checked_on_the_engine_of_builds() -> None:
    def steps(root: beam.Pipeline) -> None:
        clips, rejections = root | beam.Create(CLIPS) | CheckLicenses(["cc0"])
        assert_that(clips, equal_to(CLIPS[:1]), "clips")
        assert_that(rejections | beam.Map(lambda rejection: rejection.clip), equal_to(CLIPS[1:]), "rejections")

    Engine(n_workers=2).run(steps)

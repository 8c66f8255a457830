"""Only clips under a licence of the allow list become samples."""

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipeline.engines.run import Engine
from pipeline.records import Clip, Reason, Rejected
from transforms.planning.check_licenses import CheckLicenses, check_license


def clip(license: str | None) -> Clip:
    return Clip("s", "S", "train", license or "none", "u", license=license)


def test_an_empty_list_allows_everything():
    assert check_license(clip(None), ()) == clip(None)


@pytest.mark.parametrize(("license", "said"), [("CC-BY-NC-3.0", "CC-BY-NC-3.0, allowed: CC0-1.0"), (None, "no licence given, allowed")])
def test_what_is_not_on_the_list_is_refused_by_name(license, said):
    with pytest.raises(Rejected, match=said) as caught:
        check_license(clip(license), ("CC0-1.0", "CC-BY-4.0"))
    assert caught.value.reason == Reason.LICENSE


def test_the_list_may_be_written_as_people_write_licences():
    def wire(root: beam.Pipeline) -> None:
        clips, rejections = root | beam.Create([clip("CC0-1.0"), clip("CC-BY-4.0"), clip(None)]) | CheckLicenses(["cc0"])
        assert_that(clips, equal_to([clip("CC0-1.0")]), "clips")
        assert_that(rejections | "Reasons" >> beam.Map(lambda no: no.reason), equal_to([Reason.LICENSE] * 2), "rejections")

    Engine(n_workers=2).run(wire)

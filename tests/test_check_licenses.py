"""Only clips under a licence of the allow list are planned."""

from __future__ import annotations

from functools import partial

import pytest

from pipeline.records import Clip, Reason, Rejected, Rejection
from transforms.planning.check_licenses import allow_list, check_license
from transforms.planning.map_or_reject import map_or_reject


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
    rejections: list[Rejection] = []
    clips = map_or_reject(CLIPS, "check", partial(check_license, allowed=allow_list(allowed)), rejections)
    assert (len(clips), len(rejections)) == (n_clips, 4 - n_clips)
    assert {rejection.reason for rejection in rejections} <= {Reason.LICENSE}

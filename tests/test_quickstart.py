"""The bundled set has the clips, licences and formats that its card promises."""

import hashlib
from collections import Counter

from pipeline.records import Clip
from sources import quickstart

OPTIONS = quickstart.Options(source="quickstart", base=quickstart.TABLE.parent)


def test_every_row_reads_as_a_cc0_clip_with_its_own_id():
    clips = list(quickstart.read(OPTIONS))
    assert all(isinstance(clip, Clip) for clip in clips)
    assert {clip.license for clip in clips} == {"CC0-1.0"}
    assert {clip.split for clip in clips} == {"train", "valid", "test"}
    assert 60 <= len(clips) <= 120
    assert max(Counter(clip.key for clip in clips).values()) == 1


def test_every_file_of_the_set_is_in_the_package_but_the_file_that_must_be_missing():
    named = {clip.url.removeprefix("bundled:quickstart/") for clip in quickstart.read(OPTIONS)}
    present = {path.relative_to(quickstart.TABLE.parent).as_posix() for path in (quickstart.TABLE.parent / "audio").iterdir()}
    assert present <= named
    assert len(named - present) == 1


def test_the_set_is_small_enough_for_a_checkout():
    files = list((quickstart.TABLE.parent / "audio").iterdir())
    assert sum(path.stat().st_size for path in files) <= 4_000_000
    assert len({path.suffix for path in files}) >= 7


def test_the_table_is_in_the_package_and_its_content_is_the_fingerprint():
    quickstart.check(OPTIONS)
    assert quickstart.fingerprint(OPTIONS) == hashlib.sha256(quickstart.TABLE.read_bytes()).hexdigest()

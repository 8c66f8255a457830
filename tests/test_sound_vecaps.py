"""Sound-VECaps: the table of what can be heard is read, not that of what can be seen."""

from __future__ import annotations

from pathlib import Path

from sources import sound_vecaps
from tests.official_tables import options_of, outcomes_of, written


def test_the_table_with_what_can_be_seen_is_not_taken(tmp_path: Path) -> None:
    written(tmp_path, **{"Sound-VECaps_full__csv": "id,caption\nYb0RFKhbpFJA,A red car.\n"})
    (need,) = sound_vecaps.needs(options_of("sound_vecaps", tmp_path))
    assert need.where is None and need.is_required
    written(tmp_path, **{"Sound-VECaps_audio__csv": "id,caption\nYb0RFKhbpFJA,A car.\n"})
    (clip,), _ = outcomes_of("sound_vecaps", tmp_path)
    assert clip.captions[0].text == "A car."

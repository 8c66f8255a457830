"""Licences as sources write them become SPDX identifiers."""

import pytest

from sources.metadata.licenses import spdx


@pytest.mark.parametrize(
    ("written", "identifier"),
    [
        ("http://creativecommons.org/licenses/by/3.0/", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/deed.de", "CC-BY-NC-SA-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("http://creativecommons.org/licenses/sampling+/1.0/", "CC-Sampling-Plus-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-MARK-1.0"),
        ("HTTPS://CreativeCommons.org/Licenses/BY-NC/2.5/", "CC-BY-NC-2.5"),
        ("Sampling+", "CC-Sampling-Plus-1.0"),
        ("Sampling Plus 1.0", "CC-Sampling-Plus-1.0"),
        ("CC Sampling+", "CC-Sampling-Plus-1.0"),
        ("CC0", "CC0-1.0"),
        ("CC0 1.0", "CC0-1.0"),
        ("Creative Commons Zero", "CC0-1.0"),
        ("Creative Commons Zero 1.0", "CC0-1.0"),
        ("Creative Commons Attribution 3.0 Unported", "CC-BY-3.0"),
        ("Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
        ("Creative Commons Attribution-ShareAlike 3.0 Unported", "CC-BY-SA-3.0"),
        ("ccby 4.0", "CC-BY-4.0"),
        ("cc by-nd 2.0", "CC-BY-ND-2.0"),
        ("cc by 4.0 or later", "cc by 4.0 or later"),
        ("not cc by 4.0", "not cc by 4.0"),
        ("Creative Commons 0", "CC0-1.0"),
        ("cc0-1.0", "CC0-1.0"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("cc-by-nc-sa-3.0", "CC-BY-NC-SA-3.0"),
        ("CC-BY-4.0", "CC-BY-4.0"),
        (" RemArc ", "RemArc"),
        ("Attribution", "Attribution"),  # names no version, so no licence text
        ("  ", None),
        (None, None),
    ],
)
def test_every_spelling_of_a_licence_gives_its_identifier(written, identifier):
    assert spdx(written) == identifier
    assert spdx(identifier) == identifier

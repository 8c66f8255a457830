"""Licences as people write them -> SPDX identifiers."""

import pytest

from sources.metadata.licenses import spdx


@pytest.mark.parametrize(
    ("given", "identifier"),
    [
        ("http://creativecommons.org/licenses/by/3.0/", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/deed.de", "CC-BY-NC-SA-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("http://creativecommons.org/licenses/sampling+/1.0/", "CC-Sampling-Plus-1.0"),
        ("Sampling+", "CC-Sampling-Plus-1.0"),
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
def test_a_licence_has_one_name(given, identifier):
    assert spdx(given) == identifier
    assert spdx(identifier) == identifier

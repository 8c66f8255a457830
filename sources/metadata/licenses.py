"""Licences as sources write them -> SPDX identifiers, so that an allow list means something."""

from __future__ import annotations

import re

CREATIVE_COMMONS = re.compile(r"creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+\+?)/([\d.]+)", re.IGNORECASE)
SHORT = re.compile(r"^cc[ -]?(by(?:-nc)?(?:-nd|-sa)?)[ -](\d\.\d)$", re.IGNORECASE)
NAMES = {
    "cc0": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "cc0-1.0": "CC0-1.0",
    "creative commons 0": "CC0-1.0",
    "creative commons zero": "CC0-1.0",
    "creative commons zero 1.0": "CC0-1.0",
    "sampling+": "CC-Sampling-Plus-1.0",
    "sampling plus 1.0": "CC-Sampling-Plus-1.0",
    "cc sampling+": "CC-Sampling-Plus-1.0",
    "creative commons attribution 3.0 unported": "CC-BY-3.0",
    "creative commons attribution 4.0 international": "CC-BY-4.0",
    "creative commons attribution-sharealike 3.0 unported": "CC-BY-SA-3.0",
}


def spdx(given: str | None) -> str | None:
    """Return the SPDX identifier for a licence's name or address; what is not known stays as it was given.

    A name without a version ("Attribution") names no licence text, so it stays as it is; "Sampling+" has no SPDX
    identifier of its own and is written in their manner.

    >>> spdx("http://creativecommons.org/licenses/by-nc/3.0/"), spdx("CC0"), spdx("cc by 4.0"), spdx("RemArc"), spdx("")
    ('CC-BY-NC-3.0', 'CC0-1.0', 'CC-BY-4.0', 'RemArc', None)
    """
    text = (given or "").strip()
    if not text:
        return None
    if found := CREATIVE_COMMONS.search(text):
        name, version = found[1].lower(), found[2]
        if name == "zero":
            return f"CC0-{version}"
        return f"CC-Sampling-Plus-{version}" if name == "sampling+" else f"CC-{name.upper()}-{version}"
    if found := SHORT.match(text):
        return f"CC-{found[1].upper()}-{found[2]}"
    return NAMES.get(text.lower(), text)

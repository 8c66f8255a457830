"""Convert licences as sources write them to SPDX identifiers, so that an allow list can name them."""

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
    """Return the SPDX identifier of a licence's name or address; return an unknown licence unchanged; `None` for no licence.

    A name without a version ("Attribution") names no licence text, so it stays unchanged. "Sampling+" has no SPDX
    identifier; it gets one of the same form.

    >>> spdx("http://creativecommons.org/licenses/by-nc/3.0/"), spdx("CC0"), spdx("cc by 4.0"), spdx("RemArc"), spdx("")
    ('CC-BY-NC-3.0', 'CC0-1.0', 'CC-BY-4.0', 'RemArc', None)
    """
    text = (given or "").strip()
    if not text:
        return None
    if match := CREATIVE_COMMONS.search(text):
        name, version = match[1].lower(), match[2]
        if name == "zero":
            return f"CC0-{version}"
        return f"CC-Sampling-Plus-{version}" if name == "sampling+" else f"CC-{name.upper()}-{version}"
    if match := SHORT.match(text):
        return f"CC-{match[1].upper()}-{match[2]}"
    return NAMES.get(text.lower(), text)

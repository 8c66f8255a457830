"""Convert licences as sources write them to SPDX identifiers, so that an allow list can name them."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from pipeline.records import Reason, Rejected
from sources.metadata.license_names import NOT_ON_THE_LIST, SPDX, Named, folded, has_version, named

NONE = frozenset(
    {"", "none", "unknown", "n/a", "not specified", "unspecified", "unlicensed", "no license", "no licence", "?", "-", "nan", "null"}
)
"""Texts that give no licence."""
OWN = "LicenseRef-"
"""The beginning of the names of licences that are not on the SPDX list, as SPDX has it."""
MAX_LENGTH = 1000  # characters; a longer text is no name of a licence
MAX_SHOWN = 80  # characters of a licence in a message


def spdx(given: str | None, version_default: str | None = None) -> str | None:
    """Return the SPDX identifier of a licence's name or address; return an unknown licence unchanged; `None` for no licence.

    A name without a version ("Attribution") names no licence text, so it stays unchanged, unless `version_default` is given. A licence
    that is negated ("not CC-BY") is none. Licences of sounds that are not on the SPDX list get a name of the same form.

    Args:
        version_default: the version of Creative Commons licences that are given without one, such as "4.0".

    Raises:
        Rejected: `bad_row`, when the text names two licences.

    >>> spdx("http://creativecommons.org/licenses/by-nc/3.0/"), spdx("CC0"), spdx("cc by 4.0"), spdx("RemArc"), spdx("")
    ('CC-BY-NC-3.0', 'CC0-1.0', 'CC-BY-4.0', 'RemArc', None)
    >>> spdx("Attribution"), spdx("Attribution", "4.0"), spdx("Attribution 3.0", "4.0")
    ('Attribution', 'CC-BY-4.0', 'CC-BY-3.0')
    """
    text = (given or "").strip()
    if text.casefold() in NONE:
        return None
    parsed = _parsed(text)
    if len(parsed.licenses) > 1:
        both = " and ".join(parsed.licenses)
        raise Rejected(Reason.BAD_ROW, f"license {text[:MAX_SHOWN]!r} names {len(parsed.licenses)} licences, {both}; give one")
    if parsed.licenses and parsed.is_negated:
        return None
    if not parsed.licenses or parsed.rest:
        return text
    license = parsed.licenses[0]
    if not has_version(license):
        license = f"{license}-{version_default}"
        return license if license in SPDX else text
    return license


def license_fault(entry: str) -> str:
    """Return what is wrong with an entry of the `licenses` of a recipe, and what to write; empty when it names a licence.

    >>> license_fault("CC BY 4.0"), license_fault("CC-BY-4.O")
    ('', "it is not on the SPDX list (did you mean 'CC-BY-4.0'?); a licence that is not on that list is written LicenseRef-NAME")
    """
    try:
        license = spdx(entry)
    except Rejected:
        return "it names more than one licence; write each as an entry of its own"
    if license is None:
        return "it names no licence"
    parsed = _parsed(entry.strip())
    if is_known(license) or (license.startswith(OWN) and license != OWN):
        return ""
    if parsed.licenses and not parsed.rest:
        kind = parsed.licenses[0]
        versions = sorted((known for known in SPDX if re.fullmatch(rf"{kind}-\d\.\d", known)), reverse=True)
        return f"it gives no version, and each is another licence; allowed: {', '.join(versions)}"
    near = difflib.get_close_matches(folded(entry), [folded(known) for known in _all_known()], 1)
    hint = next((f" (did you mean {known!r}?)" for known in _all_known() if near and folded(known) == near[0]), "")
    return f"it is not on the SPDX list{hint}; a licence that is not on that list is written {OWN}NAME"


def is_known(license: str) -> bool:
    """Return whether a licence has an SPDX identifier, or is one of the others that this module has a name for."""
    return license in SPDX or license in NOT_ON_THE_LIST or re.fullmatch(r"CC-BY(-[A-Z]{2})*-[1-3]\.\d-[A-Z]{2,3}", license) is not None


def allows(entry: str, license: str | None) -> bool:
    """Return whether an entry of `licenses`, as `spdx` gives it, allows a clip with this licence.

    >>> allows("CC0-1.0", "CC0-1.0"), allows("LicenseRef-own-licence", "Own licence"), allows("CC-BY-4.0", "CC-BY-3.0")
    (True, True, False)
    """
    if license is None or not entry.startswith(OWN):
        return license == entry
    return re.sub(r"[^a-z0-9.]+", "-", license.casefold()) in {_own(entry), _own(entry.removeprefix(OWN))}


def _own(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.casefold())


def _all_known() -> list[str]:
    return sorted(SPDX | NOT_ON_THE_LIST, key=lambda name: (not name.startswith("CC"), name))


@lru_cache(1 << 12)
def _parsed(text: str) -> Named:
    return named(text) if len(text) <= MAX_LENGTH else Named(())

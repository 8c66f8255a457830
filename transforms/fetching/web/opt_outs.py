"""Read what hosts say about the use of recordings: by robots.txt, X-Robots-Tag, the TDM reservation protocol and Content-Usage."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.records import AskedAgain, Evidence
from transforms.fetching.web.http import MAX_EVIDENCE, NO_AI
from transforms.fetching.web.robots import DISALLOWED

SIGNALS = {
    "robots.txt": "robots.txt keeps the address from robots, or from us",
    "X-Robots-Tag": "a header says noai, noimageai or noindex",
    "TDMRep": "the rights of text and data mining are reserved (tdm-reservation: 1)",
    "Content-Usage": "a header says that the recording may not train models (train-ai=n, or a wider use)",
    "gone": "the host does not give the recording any more (status 404, 410 or 451)",
}
"""What a host may state against the use of a recording."""
GONE = frozenset({404, 410, 451})
TRAINING_USES = ("train-ai", "train-genai", "genai", "ai", "tdm", "bots", "all")
"""Uses of the AIPREF vocabulary that hold training, the narrowest first: a narrow use counts before a wide one."""
_USE = re.compile(r"\s*([a-z][a-z0-9_.*-]*)\s*(?:=\s*\"?\??([^\s;,\"]*)\"?)?", re.IGNORECASE)


def signals_of(evidence: Evidence) -> tuple[str, ...]:
    """Return what a host stated against the use of a recording when it was asked last, as names of `SIGNALS`."""
    return tuple(_signals(evidence.again or evidence))


def _signals(answer: Evidence | AskedAgain) -> Iterator[str]:
    if answer.robots_txt == DISALLOWED:
        yield "robots.txt"
    if NO_AI.search(answer.x_robots_tag or ""):
        yield "X-Robots-Tag"
    if (answer.tdm_reservation or "").strip() == "1":
        yield "TDMRep"
    if forbids_training(answer.content_usage or ""):
        yield "Content-Usage"
    if isinstance(answer, AskedAgain) and answer.http_status in GONE:
        yield "gone"


def forbids_training(content_usage: str) -> bool:
    """Return whether a value of `Content-Usage` says that the content may not train models.

    >>> [forbids_training(value) for value in ("train-ai=n", "bots=y, train-ai=n", "bots=n, train-ai=y", "search=n", "")]
    [True, True, False, False, False]
    """
    stated = {match[1].lower(): (match[2] or "y").lower() for part in content_usage.split(",") if (match := _USE.match(part)) is not None}
    return next((stated[use] in {"n", "0"} for use in TRAINING_USES if use in stated), False)


@dataclass(frozen=True, slots=True)
class TdmRule:
    """A rule of a file `/.well-known/tdmrep.json`: the paths it is for, and what holds for them; `None` for what it does not give."""

    location: str
    reservation: str | None
    policy: str | None


def read_tdmrep(data: bytes) -> tuple[TdmRule, ...]:
    """Return the rules of a file of reservations, in their order; what is no rule is left out.

    >>> read_tdmrep(b'[{"location": "/", "tdm-reservation": 1}, 7]'), read_tdmrep(b"not JSON")
    ((TdmRule(location='/', reservation='1', policy=None),), ())
    """
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        return ()
    entries = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return tuple(
        TdmRule(each["location"], _text(each.get("tdm-reservation")), _text(each.get("tdm-policy")))
        for each in entries
        if isinstance(each.get("location"), str)
    )


def _text(value: object) -> str | None:
    return str(value)[:MAX_EVIDENCE] if isinstance(value, int | str) and not isinstance(value, bool) else None


def rule_for(rules: Iterable[TdmRule], url: str) -> TdmRule | None:
    """Return the rule that holds for an address: the first whose `location` matches its path; `None` where none does.

    `*` stands for any text, and `$` for the end (RFC 9309, section 2.2.3).

    >>> rules = TdmRule("/a/*.wav$", "1", None), TdmRule("/b", "0", None)
    >>> [rule and rule.reservation for rule in (rule_for(rules, f"https://a.org{path}") for path in ("/a/x/y.wav", "/b?c", "/a/x.wav.txt"))]
    ['1', '0', None]
    """
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return next((rule for rule in rules if _matches(rule.location, path)), None)


def _matches(location: str, path: str) -> bool:
    """Return whether a path begins as a location says; without a search that could take long, whatever the location holds."""
    parts, must_end = location.removesuffix("$").split("*"), location.endswith("$")
    if not path.startswith(parts[0]):
        return False
    at = len(parts[0])
    for number, part in enumerate(parts[1:], 2):
        if must_end and number == len(parts):
            return len(path) - len(part) >= at and path.endswith(part)
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return not must_end or at == len(path)

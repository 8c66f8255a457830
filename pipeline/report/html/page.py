"""Render the report of a folder as one HTML file that needs nothing else: no script, no font, no address outside of it."""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.counted import counted
from pipeline.output.leaks_file import KINDS
from pipeline.output.snapshot import Snapshot
from pipeline.report.html.book_facts import NOT_STATED
from pipeline.report.html.charts import bars
from pipeline.report.html.content import MAX_COMPARED, Content, content_of
from pipeline.report.html.media import SECONDS
from pipeline.report.html.shown import MAX_NAME, shown
from pipeline.report.shared_table import is_leak
from pipeline.report.tables import readable_bytes

STYLE = "style.css"


@dataclass(frozen=True, slots=True)
class Report:
    """A rendered report: the bytes of the page, and what it was rendered from."""

    page: bytes
    content: Content


def make_report(snapshot: Snapshot) -> Report:
    """Return the report of a folder that has a plan. Equal folders give equal bytes, whatever they are called."""
    content = content_of(snapshot)
    return Report(render(content), content)


def render(content: Content) -> bytes:
    """Return the page. All texts are escaped, and the policy of the page forbids scripts and every address."""
    style = _templates().get_template(STYLE).render()
    style_sha256 = base64.b64encode(sha256(style.encode()).digest()).decode()
    page = _templates().get_template("page.html").render(content=content, style=Markup(style), style_sha256=style_sha256)
    return page.encode("utf-8", "backslashreplace")


@functools.cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeline.report.html"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters = {
        "shown": shown,
        "named": _named,
        "number": _number,
        "share": share,
        "hours": hours,
        "seconds": seconds,
        "size": readable_bytes,
    }
    environment.filters.update(filters)
    environment.globals.update({"counted": counted, "bars": bars})
    environment.globals.update({"max_seconds": int(SECONDS), "leak_kinds": KINDS, "not_stated": NOT_STATED, "max_compared": MAX_COMPARED})
    environment.tests["leak"] = is_leak
    return environment


def _named(text: str | None) -> str:
    return shown(text, MAX_NAME)


def _number(value: int) -> str:
    return f"{value:,}"


def share(part: float, total: float = 1) -> str:
    """Return a share in percent, with one digit below ten; "" where there is nothing to share.

    >>> share(1, 3), share(1, 30), share(1, 5000), share(4999, 5000), share(0, 0)
    ('33 %', '3.3 %', '<0.1 %', '>99.9 %', '')
    """
    if not total:
        return ""
    percent = 100 * part / total
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.0f} %" if percent >= 10 or not percent else f"{percent:.1f} %"


def hours(value: float) -> str:
    """Return a duration given in seconds, in a unit that fits.

    >>> hours(5), hours(90), hours(3 * 3600), hours(4_325_000)
    ('5.0 s', '1.5 min', '3.0 h', '1,201 h')
    """
    if value < 60:
        return f"{value:.1f} s"
    if value < 3600:
        return f"{value / 60:.1f} min"
    return f"{value / 3600:.1f} h" if value < 360_000 else f"{value / 3600:,.0f} h"


def seconds(value: float) -> str:
    """Return a duration in seconds, or in minutes and seconds.

    >>> seconds(0.4333), seconds(75.2)
    ('0.43 s', '1:15 min')
    """
    return f"{value:.2f} s" if value < 60 else f"{int(value // 60)}:{int(value % 60):02d} min"

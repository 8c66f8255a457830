"""Draw the picture of the README as SVG: CPU a clip by format, our converter beside one ffmpeg process a clip."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from bench.measure import Row

WIDTH, BAR, GAP, LEFT, TOP = 760, 13, 20, 110, 64
COLORS = {"ours": "#1a7f64", "static ffmpeg": "#b9c3cf", "system ffmpeg": "#7d8b99", "LAION's protocol": "#4a5561"}


def plot(table: list[Row], path: Path) -> bool:
    """Write the picture; return false, and write nothing, when the table has no rows of the bench `formats`."""
    bars = milliseconds(table)
    if not bars:
        return False
    path.write_text(as_svg(bars), encoding="utf-8")
    return True


def milliseconds(table: list[Row]) -> dict[str, dict[str, float]]:
    """Return milliseconds of CPU a clip, by format and way.

    >>> milliseconds([Row("formats", "wav: CPU a clip, ours", 10.0, "ms"), Row("formats", "wav: static ffmpeg / ours", 3.0, "x")])
    {'wav': {'ours': 10.0, 'static ffmpeg': 30.0}}
    """
    bars: dict[str, dict[str, float]] = {}
    for row in table:
        kind, _, what = row.name.partition(": ")
        if row.bench == "formats" and what == "CPU a clip, ours":
            bars[kind] = {"ours": row.value}
    for row in table:
        kind, _, what = row.name.partition(": ")
        way = what.removesuffix(" / ours")
        if row.bench == "formats" and kind in bars and way in COLORS:
            bars[kind][way] = row.value * bars[kind]["ours"]
    return bars


def as_svg(bars: dict[str, dict[str, float]]) -> str:
    """Return the bars as SVG."""
    ways = [way for way in COLORS if any(way in by_way for by_way in bars.values())]
    scale = (WIDTH - LEFT - 70) / max(value for by_way in bars.values() for value in by_way.values())
    step = len(ways) * BAR + GAP
    height = TOP + step * len(bars)
    parts = [_text(12, 20, "CPU a clip of ten seconds to 48 kHz mono FLAC, milliseconds; less is better", 14)]
    for number, way in enumerate(ways):
        parts += [_box(LEFT + 150 * number, 34, 12, way), _text(LEFT + 150 * number + 18, 45, way, 12)]
    for row, (kind, by_way) in enumerate(bars.items()):
        top = TOP + row * step
        parts.append(_text(12, top + len(ways) * BAR / 2 + 4, kind, 12))
        for number, way in enumerate(ways):
            if way in by_way:
                at = top + number * BAR
                parts += [
                    _box(LEFT, at, by_way[way] * scale, way),
                    _text(LEFT + by_way[way] * scale + 5, at + BAR - 3, f"{by_way[way]:.0f}", 11),
                ]
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    ground = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">{ground}{"".join(parts)}</svg>\n'


def _text(x: float, y: float, words: str, size: int) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="#222222">{escape(words)}</text>'


def _box(x: float, y: float, width: float, way: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR - 2}" fill="{COLORS[way]}"/>'

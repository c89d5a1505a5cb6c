"""Small plots as SVG: lines over a size, bars side by side; words in the picture can be read aloud.

Nothing is imported and nothing is random: the same figures give the same bytes.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 36, 46
COLOURS = ("#1f5fa8", "#b3261e", "#2e7d32", "#8a5a00", "#6a1b9a", "#00695c", "#5d4037", "#37474f")
MOST_LINES, MOST_BARS = len(COLOURS), 16
_STYLE = (
    "text{font:12px sans-serif;fill:#222}.t{font-size:14px;font-weight:bold}"
    ".g{stroke:#ddd}.a{stroke:#555}"
)
Point = tuple[float, float]


def lines(title: str, across: str, up: str, series: Mapping[str, Sequence[Point]]) -> str:
    """A line a series, both axes logarithmic; points of 0 or less are left out."""
    kept = {
        name: sorted((x, y) for x, y in points if x > 0 and y > 0)
        for name, points in list(series.items())[:MOST_LINES]
    }
    xs = sorted({x for points in kept.values() for x, _ in points})
    ys = [y for points in kept.values() for _, y in points]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    high = max(high, low + 1)
    bottom = HEIGHT + 18 * len(kept)

    def place(x: float, y: float) -> tuple[float, float]:
        span = math.log10(xs[-1] / xs[0]) or 1
        at = LEFT + (WIDTH - LEFT - RIGHT) * math.log10(x / xs[0]) / span
        height = HEIGHT - TOP - BOTTOM
        return at, HEIGHT - BOTTOM - height * (math.log10(y) - low) / (high - low)

    parts = []
    for power in range(low, high + 1):
        _, y = place(xs[0], 10.0**power)
        parts.append(
            f'<line class="g" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(_text(LEFT - 8, y + 4, number(10.0**power), "end"))
    for x in xs:
        at, _ = place(x, 10.0**low)
        parts.append(_text(at, HEIGHT - BOTTOM + 18, number(x), "middle"))
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 8, across, "middle"))
    for position, (name, points) in enumerate(kept.items()):
        colour, key = COLOURS[position], HEIGHT + 18 * position + 8
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*one) for one in points))
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'
            for x, y in (place(*one) for one in points)
        ]
        parts.append(f'<rect x="{LEFT}" y="{key - 9}" width="14" height="10" fill="{colour}"/>')
        told = "，".join(f"{number(x)}：{number(y)}" for x, y in points)
        parts.append(_text(LEFT + 20, key, f"{name}（{told}）"))
    said = "；".join(
        f"{name} " + "，".join(f"{number(x)} {across} {number(y)} {up}" for x, y in points)
        for name, points in kept.items()
    )
    return _picture(f"{title}（{up}）", said, parts, bottom + 10)


def bars(title: str, unit: str, values: Sequence[tuple[str, float]]) -> str:
    """A bar a value, from zero, its label and figure written beside it."""
    kept = [(name, value) for name, value in values if value >= 0][:MOST_BARS]
    largest = max((value for _, value in kept), default=1) or 1
    label, step = 230, 24
    room = WIDTH - label - RIGHT - 60
    parts = []
    for position, (name, value) in enumerate(kept):
        y, width = TOP + step * position, max(1.0, room * value / largest)
        short = name if len(name) <= 34 else f"{name[:33]}…"
        parts.append(_text(label - 8, y + 15, short, "end"))
        parts.append(
            f'<rect x="{label}" y="{y + 4}" width="{width:.1f}" height="15" fill="{COLOURS[0]}"/>'
        )
        parts.append(_text(label + width + 6, y + 16, number(value)))
    said = "；".join(f"{name} {number(value)} {unit}" for name, value in kept)
    return _picture(f"{title}（{unit}）", said, parts, TOP + step * len(kept) + 12)


def number(value: float) -> str:
    """Three digits that count; thousands and millions in words of figures."""
    for limit, sign in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{sign}"
    return f"{value:.3g}"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _picture(title: str, said: str, parts: Sequence[str], height: float) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img"'
        f' aria-labelledby="t d">\n<title id="t">{escape(title)}</title>\n'
        f'<desc id="d">{escape(said)}</desc>\n<style>{_STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>\n'
        f'<text class="t" x="{LEFT}" y="22">{escape(title)}</text>\n{body}\n</svg>\n'
    )

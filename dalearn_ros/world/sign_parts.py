"""Parts of sign faces: plates of each shape, and marks that go on them.

A mark or plate is a function that paints a canvas; :func:`on` puts marks on a plate.
"""

from __future__ import annotations

from collections.abc import Callable

from dalearn_ros.world.pictograms import BLACK, RED, WHITE, YELLOW, Canvas, Colour, regular

Draw = Callable[[Canvas], None]


def triangle(c: Canvas, fill: Colour, border: Colour, down: bool = False) -> None:
    """A triangular plate, its point up or down."""

    def at(r: float) -> list[tuple[float, float]]:
        points = [(0.5, 0.5 - 0.95 * r), (0.5 + r, 0.5 + 0.78 * r), (0.5 - r, 0.5 + 0.78 * r)]
        return [(x, 1 - y) for x, y in points] if down else points

    c.polygon(at(0.5), border, plate=True)
    inner = [(x, y + (-0.035 if down else 0.035)) for x, y in at(0.33)]
    c.polygon(inner, fill)


def circle(c: Canvas, fill: Colour, border: Colour, width: float = 0.1) -> None:
    """A round plate with a border."""
    c.disc(0.5, 0.5, 0.495, border, plate=True)
    c.disc(0.5, 0.5, 0.495 - width, fill)


def plate(c: Canvas, fill: Colour, border: Colour, width: float = 0.03) -> None:
    """A rectangular plate with a line inside its edge."""
    c.polygon([(0, 0), (1, 0), (1, 1), (0, 1)], fill, plate=True)
    k = c.h / c.w
    a, b = width * k, width
    edge = [(a, b), (1 - a, b), (1 - a, 1 - b), (a, 1 - b), (a, b)]
    c.line(edge, border, width * 1.1)


def ngon(c: Canvas, n: int, turn: float, fill: Colour, border: Colour, width: float) -> None:
    """A plate with ``n`` equal sides, its first corner ``turn`` degrees from the top."""
    r = 0.5 if n == 4 else 0.54
    c.polygon(
        [(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in regular(n, r, turn)],
        border,
        plate=True,
    )
    c.polygon(regular(n, r - width, turn), fill)
    if fill != border:
        c.polygon(regular(n, r - width, turn), fill)


def on(plate: Draw, *marks: Draw) -> Draw:
    """A plate with marks on it."""

    def draw(c: Canvas) -> None:
        plate(c)
        for mark in marks:
            mark(c)

    return draw


def text(text: str, size: float, colour: Colour = BLACK, x: float = 0.5, y: float = 0.5) -> Draw:
    """A line of text."""
    return lambda c: c.text(x, y, text, size, colour)


def arrow(
    turn: float = 0,
    colour: Colour = WHITE,
    s: float = 0.3,
    bent: int = 0,
    x: float = 0.5,
    y: float = 0.5,
) -> Draw:
    """An arrow (see :meth:`Canvas.arrow`)."""
    return lambda c: c.arrow(x, y, s, colour, turn, bent)


def walker(colour: Colour = BLACK, s: float = 0.24, y: float = 0.55, x: float = 0.5) -> Draw:
    """A pedestrian."""
    return lambda c: c.walker(x, y, s, colour)


def bicycle(colour: Colour = BLACK, s: float = 0.24, y: float = 0.55, x: float = 0.5) -> Draw:
    """A bicycle."""
    return lambda c: c.bicycle(x, y, s, colour)


def snake(bends: int = 1, colour: Colour = BLACK, s: float = 0.22, y: float = 0.58) -> Draw:
    """A bending road."""
    return lambda c: c.snake(0.5, y, s, colour, bends)


def bar(colour: Colour, a: tuple[float, float], b: tuple[float, float], w: float = 0.09) -> Draw:
    """A straight bar between two points."""
    return lambda c: c.line([a, b], colour, w)


def lamps(y: float = 0.58, s: float = 0.07) -> Draw:
    """Three lamps of a traffic light."""

    def draw(c: Canvas) -> None:
        for i, colour in enumerate((RED, YELLOW, (60, 150, 30))):
            c.disc(0.5, y + (i - 1) * s * 2.1, s, colour)

    return draw


def cross(colour: Colour = BLACK, y: float = 0.56, s: float = 0.17, w: float = 0.075) -> Draw:
    """A crossing of equal roads."""

    def draw(c: Canvas) -> None:
        c.line([(0.5, y - s), (0.5, y + s)], colour, w)
        c.line([(0.5 - s, y), (0.5 + s, y)], colour, w)

    return draw


def car(colour: Colour, x: float, y: float, s: float = 0.16) -> Draw:
    """A car."""
    return lambda c: c.car(x, y, s, colour)


def glyphs(seed: int, n: int, y: float, s: float, colour: Colour) -> Draw:
    """A word of made-up block letters."""

    def draw(c: Canvas) -> None:
        k = c.h / c.w
        for i in range(n):
            c.glyph(0.5 + (i - (n - 1) / 2) * 2.4 * s * k, y, s, colour, seed * 10 + i)

    return draw


def zebra(colour: Colour) -> Draw:
    """A pedestrian on a crossing, on a white triangle."""

    def draw(c: Canvas) -> None:
        c.polygon([(0.5, 0.14), (0.88, 0.86), (0.12, 0.86)], WHITE)
        c.walker(0.5, 0.58, 0.2, colour)
        for i in range(4):
            x = 0.27 + i * 0.15
            c.polygon([(x, 0.79), (x + 0.07, 0.79), (x + 0.07, 0.84), (x, 0.84)], colour)

    return draw


def board(fill: Colour, ink: Colour, rows: tuple[tuple[str, float], ...]) -> Draw:
    """A direction board: rows of a place's name and an arrow's turn in degrees."""

    def draw(c: Canvas) -> None:
        plate(c, fill, ink, 0.025)
        n = len(rows)
        for i, (name, turn) in enumerate(rows):
            y = (i + 0.5) / n
            left = turn < 0
            c.arrow(0.12 if left else 0.88, y, 0.3 / n, ink, turn)
            c.text(0.56 if left else 0.43, y, name, 0.34 / n, ink, 0.14)

    return draw

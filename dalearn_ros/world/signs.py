"""Sign faces of three countries: shapes, borders, pictograms, digits and text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from dalearn_ros.world.materials import RETRO, Image
from dalearn_ros.world.pictograms import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    WHITE,
    YELLOW,
    Canvas,
    Colour,
    regular,
)

Draw = Callable[[Canvas], None]


@dataclass(frozen=True)
class SignFace:
    """One kind of sign.

    Attributes:
        code: Code in the country's catalogue, the ``subtype`` in the map.
        kind: Class: warning_sign, regulating_sign, indicating_sign, auxiliary_sign.
        size_m: Width and height of its plate in metres.
        draw: Paints the face.
        name: Name of its texture, unique in the country.
    """

    code: str
    kind: str
    size_m: tuple[float, float]
    draw: Draw
    name: str

    def image(self) -> Image:
        """The face as a texture (256 or 128, 256 or 512, 4), holes outside its plate."""
        wide = self.size_m[0] / self.size_m[1]
        w = 1024 if wide > 1.5 else 512
        h = 256 if wide > 3 else 1024 if wide < 0.67 else 512
        canvas = Canvas(w, h)
        self.draw(canvas)
        bgr = cv2.resize(canvas.bgr, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
        mask = cv2.resize(canvas.mask, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
        spread = cv2.dilate(bgr, np.ones((9, 9), np.uint8))
        bgr = np.where(mask[..., None] > 127, bgr, spread)
        alpha = (mask.astype(np.float32) / 255.0 * RETRO).astype(np.uint8)
        return np.dstack([bgr, alpha])


def faces(country: str) -> list[SignFace]:
    """All sign faces of ``vienna``, ``korea`` or ``mutcd``."""
    return {"vienna": _vienna, "korea": _korea, "mutcd": _mutcd}[country]()


# -- plates ------------------------------------------------------------------------------------
def _triangle(c: Canvas, fill: Colour, border: Colour, down: bool = False) -> None:
    def at(r: float) -> list[tuple[float, float]]:
        points = [(0.5, 0.5 - 0.95 * r), (0.5 + r, 0.5 + 0.78 * r), (0.5 - r, 0.5 + 0.78 * r)]
        return [(x, 1 - y) for x, y in points] if down else points

    c.polygon(at(0.5), border, plate=True)
    inner = [(x, y + (-0.035 if down else 0.035)) for x, y in at(0.33)]
    c.polygon(inner, fill)


def _circle(c: Canvas, fill: Colour, border: Colour, width: float = 0.1) -> None:
    c.disc(0.5, 0.5, 0.495, border, plate=True)
    c.disc(0.5, 0.5, 0.495 - width, fill)


def _plate(c: Canvas, fill: Colour, border: Colour, width: float = 0.03) -> None:
    c.polygon([(0, 0), (1, 0), (1, 1), (0, 1)], fill, plate=True)
    k = c.h / c.w
    a, b = width * k, width
    edge = [(a, b), (1 - a, b), (1 - a, 1 - b), (a, 1 - b), (a, b)]
    c.line(edge, border, width * 1.1)


def _ngon(c: Canvas, n: int, turn: float, fill: Colour, border: Colour, width: float) -> None:
    r = 0.5 if n == 4 else 0.54
    c.polygon(
        [(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in regular(n, r, turn)],
        border,
        plate=True,
    )
    c.polygon(regular(n, r - width, turn), fill)
    if fill != border:
        c.polygon(regular(n, r - width, turn), fill)


def _on(plate: Draw, *marks: Draw) -> Draw:
    def draw(c: Canvas) -> None:
        plate(c)
        for mark in marks:
            mark(c)

    return draw


def _text(text: str, size: float, colour: Colour = BLACK, x: float = 0.5, y: float = 0.5) -> Draw:
    return lambda c: c.text(x, y, text, size, colour)


def _arrow(
    turn: float = 0,
    colour: Colour = WHITE,
    s: float = 0.3,
    bent: int = 0,
    x: float = 0.5,
    y: float = 0.5,
) -> Draw:
    return lambda c: c.arrow(x, y, s, colour, turn, bent)


def _walker(colour: Colour = BLACK, s: float = 0.24, y: float = 0.55, x: float = 0.5) -> Draw:
    return lambda c: c.walker(x, y, s, colour)


def _bicycle(colour: Colour = BLACK, s: float = 0.24, y: float = 0.55, x: float = 0.5) -> Draw:
    return lambda c: c.bicycle(x, y, s, colour)


def _snake(bends: int = 1, colour: Colour = BLACK, s: float = 0.22, y: float = 0.58) -> Draw:
    return lambda c: c.snake(0.5, y, s, colour, bends)


def _bar(colour: Colour, a: tuple[float, float], b: tuple[float, float], w: float = 0.09) -> Draw:
    return lambda c: c.line([a, b], colour, w)


def _lamps(y: float = 0.58, s: float = 0.07) -> Draw:
    def draw(c: Canvas) -> None:
        for i, colour in enumerate((RED, YELLOW, (60, 150, 30))):
            c.disc(0.5, y + (i - 1) * s * 2.1, s, colour)

    return draw


def _cross(colour: Colour = BLACK, y: float = 0.56, s: float = 0.17, w: float = 0.075) -> Draw:
    def draw(c: Canvas) -> None:
        c.line([(0.5, y - s), (0.5, y + s)], colour, w)
        c.line([(0.5 - s, y), (0.5 + s, y)], colour, w)

    return draw


def _car(colour: Colour, x: float, y: float, s: float = 0.16) -> Draw:
    return lambda c: c.car(x, y, s, colour)


def _glyphs(seed: int, n: int, y: float, s: float, colour: Colour) -> Draw:
    def draw(c: Canvas) -> None:
        k = c.h / c.w
        for i in range(n):
            c.glyph(0.5 + (i - (n - 1) / 2) * 2.4 * s * k, y, s, colour, seed * 10 + i)

    return draw


def _zebra(colour: Colour) -> Draw:
    def draw(c: Canvas) -> None:
        c.polygon([(0.5, 0.14), (0.88, 0.86), (0.12, 0.86)], WHITE)
        c.walker(0.5, 0.58, 0.2, colour)
        for i in range(4):
            x = 0.27 + i * 0.15
            c.polygon([(x, 0.79), (x + 0.07, 0.79), (x + 0.07, 0.84), (x, 0.84)], colour)

    return draw


def _board(fill: Colour, ink: Colour, rows: tuple[tuple[str, float], ...]) -> Draw:
    """A direction board: rows of a place's name and an arrow's turn in degrees."""

    def draw(c: Canvas) -> None:
        _plate(c, fill, ink, 0.025)
        n = len(rows)
        for i, (name, turn) in enumerate(rows):
            y = (i + 0.5) / n
            left = turn < 0
            c.arrow(0.12 if left else 0.88, y, 0.3 / n, ink, turn)
            c.text(0.56 if left else 0.43, y, name, 0.34 / n, ink, 0.14)

    return draw


def _face(code: str, kind: str, w: float, h: float, draw: Draw, more: str = "") -> SignFace:
    return SignFace(code, kind, (w, h), draw, f"sign_{code}{more}")


# -- countries -----------------------------------------------------------------------------------
def _vienna() -> list[SignFace]:
    def warn(c: Canvas) -> None:
        _triangle(c, WHITE, RED)

    def ban(c: Canvas) -> None:
        _circle(c, WHITE, RED)

    def must(c: Canvas) -> None:
        _circle(c, BLUE, WHITE, 0.02)

    def blue(c: Canvas) -> None:
        _plate(c, BLUE, WHITE)

    def small(c: Canvas) -> None:
        _plate(c, WHITE, BLACK, 0.05)

    yellow: Colour = (20, 195, 250)
    warning = [
        ("de101", _text("!", 0.36, y=0.58)),
        ("de102", _cross()),
        ("de103", _snake(1)),
        ("de105", _snake(2)),
        ("de131", _lamps()),
        ("de133", _walker(s=0.22, y=0.58)),
        ("de138", _bicycle(s=0.2, y=0.6)),
        ("de123", _on(_car(BLACK, 0.5, 0.62, 0.17))),
    ]
    signs = [_face(code, "warning_sign", 0.9, 0.79, _on(warn, mark)) for code, mark in warning]
    for value in ("30", "50", "60", "70"):
        face = _on(ban, _text(value, 0.34))
        signs.append(_face("de274", "regulating_sign", 0.6, 0.6, face, value))
    slash = _bar(RED, (0.2, 0.2), (0.8, 0.8))
    stop = _on(lambda c: _ngon(c, 8, 22.5, RED, WHITE, 0.03), _text("STOP", 0.22, WHITE))
    no_entry = _on(
        lambda c: _circle(c, RED, WHITE, 0.02), _bar(WHITE, (0.16, 0.5), (0.84, 0.5), 0.18)
    )
    no_stop = _on(lambda c: _circle(c, BLUE, RED), slash, _bar(RED, (0.8, 0.2), (0.2, 0.8)))
    regulating = [
        ("de205", 0.9, lambda c: _triangle(c, WHITE, RED, down=True)),
        ("de206", 0.75, stop),
        ("de250", 0.6, ban),
        ("de254", 0.6, _on(ban, _bicycle())),
        ("de267", 0.6, no_entry),
        ("de276", 0.6, _on(ban, _car(RED, 0.33, 0.5), _car(BLACK, 0.67, 0.5))),
        ("de283", 0.6, no_stop),
        ("de286", 0.6, _on(lambda c: _circle(c, BLUE, RED), slash)),
        ("de209", 0.6, _on(must, _arrow(90))),
        ("de214", 0.6, _on(must, _arrow(0, bent=1))),
        ("de222", 0.6, _on(must, _arrow(135))),
        ("de237", 0.6, _on(must, _bicycle(WHITE))),
        ("de239", 0.6, _on(must, _walker(WHITE))),
    ]
    signs += [_face(c, "regulating_sign", s, s, d) for c, s, d in regulating]
    one_way = _on(blue, _arrow(90, WHITE, 0.42))
    signs.append(_face("de220", "regulating_sign", 0.8, 0.3, one_way))
    diamond = _on(
        lambda c: _ngon(c, 4, 0, WHITE, BLACK, 0.012),
        lambda c: c.polygon(regular(4, 0.34, 0), yellow),
    )
    indicating = [
        ("de306", 0.65, 0.65, diamond),
        ("de314", 0.6, 0.6, _on(blue, _text("P", 0.6, WHITE))),
        ("de350", 0.65, 0.65, _on(blue, _zebra(BLACK))),
        (
            "de357",
            0.6,
            0.6,
            _on(
                blue,
                _bar(WHITE, (0.5, 0.85), (0.5, 0.3), 0.14),
                _bar(RED, (0.28, 0.3), (0.72, 0.3), 0.14),
            ),
        ),
        ("de432", 1.9, 0.5, _board((245, 245, 245), BLACK, (("Zentrum", 90),))),
        ("de418", 1.9, 0.5, _board(yellow, BLACK, (("Lindau", 90),))),
        (
            "de434",
            2.4,
            1.6,
            _board(yellow, BLACK, (("Altdorf", 0), ("Seehausen", 90), ("Kirchberg", -90))),
        ),
        ("de449", 3.4, 1.7, _board(BLUE, WHITE, (("Nordstadt", 0), ("Hafen", 45)))),
    ]
    signs += [_face(c, "indicating_sign", w, h, d) for c, w, h, d in indicating]
    auxiliary = [
        ("de1004", _text("200 m", 0.5)),
        ("de1040", _text("7-18 h", 0.5)),
        ("de1000", _arrow(90, BLACK, 0.36)),
        ("de1022", _on(_bicycle(BLACK, 0.34, 0.45, 0.28), _text("frei", 0.3, x=0.7))),
        ("de1060", _on(_car(BLACK, 0.3, 0.5, 0.4), _text("5 t", 0.4, x=0.7))),
    ]
    signs += [_face(c, "auxiliary_sign", 0.6, 0.33, _on(small, d)) for c, d in auxiliary]
    return signs


def _korea() -> list[SignFace]:
    yellow: Colour = (30, 205, 250)

    def warn(c: Canvas) -> None:
        _triangle(c, yellow, RED)

    def ban(c: Canvas) -> None:
        _circle(c, WHITE, RED, 0.12)

    def must(c: Canvas) -> None:
        _circle(c, BLUE, WHITE, 0.025)

    def small(c: Canvas) -> None:
        _plate(c, WHITE, BLACK, 0.03)

    warning = [
        ("kr101", _cross(w=0.09)),
        ("kr111", _snake(1)),
        ("kr112", _snake(-1)),
        ("kr113", _snake(2)),
        ("kr125", _lamps()),
        ("kr132", _walker(s=0.2, y=0.6)),
        ("kr133", _on(_walker(s=0.17, y=0.62, x=0.42), _walker(s=0.14, y=0.64, x=0.6))),
        ("kr134", _bicycle(s=0.19, y=0.62)),
        ("kr140", _text("!", 0.34, y=0.6)),
    ]
    signs = [_face(code, "warning_sign", 0.9, 0.8, _on(warn, mark)) for code, mark in warning]
    for value in ("30", "40", "50", "60"):
        face = _on(ban, _text(value, 0.36))
        signs.append(_face("kr224", "regulating_sign", 0.6, 0.6, face, value))
    slash = _bar(RED, (0.2, 0.2), (0.8, 0.8), 0.11)
    stop = _on(
        lambda c: _ngon(c, 8, 22.5, RED, WHITE, 0.03),
        _glyphs(3, 2, 0.4, 0.13, WHITE),
        _text("STOP", 0.12, WHITE, y=0.68),
    )
    give = _on(lambda c: _triangle(c, WHITE, RED, down=True), _glyphs(5, 2, 0.36, 0.08, BLACK))
    regulating = [
        (
            "kr211",
            0.6,
            _on(
                lambda c: _circle(c, RED, WHITE, 0.02), _bar(WHITE, (0.16, 0.5), (0.84, 0.5), 0.18)
            ),
        ),
        ("kr218", 0.6, _on(ban, _arrow(0, BLACK, 0.26, bent=-1), slash)),
        ("kr217", 0.6, _on(ban, _arrow(0, BLACK, 0.26, bent=1), slash)),
        ("kr216", 0.6, _on(ban, _arrow(180, BLACK, 0.26), slash)),
        (
            "kr219",
            0.6,
            _on(lambda c: _circle(c, BLUE, RED, 0.12), slash, _glyphs(9, 2, 0.5, 0.1, WHITE)),
        ),
        ("kr230", 0.6, _on(ban, _walker(s=0.22), slash)),
        ("kr220", 0.6, _on(ban, _text("5.5t", 0.22))),
        ("kr227", 0.75, stop),
        ("kr228", 0.9, give),
    ]
    signs += [_face(c, "regulating_sign", s, s, d) for c, s, d in regulating]
    house = [(0.5, 0.0), (1.0, 0.4), (1.0, 1.0), (0.0, 1.0), (0.0, 0.4)]

    def crossing(c: Canvas) -> None:
        c.polygon(house, BLUE, plate=True)
        c.polygon([(0.5, 0.2), (0.88, 0.88), (0.12, 0.88)], WHITE)
        c.walker(0.5, 0.62, 0.18, BLACK)

    def guide(c: Canvas) -> None:
        _plate(c, GREEN, WHITE, 0.025)
        c.line([(0.5, 0.92), (0.5, 0.25)], WHITE, 0.05)
        c.polygon([(0.46, 0.3), (0.54, 0.3), (0.5, 0.14)], WHITE)
        c.line([(0.25, 0.55), (0.75, 0.55)], WHITE, 0.05)
        for x, seed in ((0.16, 21), (0.84, 25)):
            for i in range(2):
                c.glyph(x + (i - 0.5) * 0.13, 0.4, 0.07, WHITE, seed + i)
            c.text(x, 0.72, "Jung-gu" if x < 0.5 else "Daero", 0.09, WHITE, 0.14)

    indicating = [
        ("kr301", 0.6, 0.6, _on(must, _text("CAR", 0.2, WHITE))),
        ("kr302", 0.6, 0.6, _on(must, _bicycle(WHITE))),
        ("kr304", 0.6, 0.6, _on(must, _arrow(0, s=0.34))),
        ("kr305", 0.6, 0.6, _on(must, _arrow(90, s=0.34))),
        ("kr307", 0.6, 0.6, _on(must, _arrow(0, bent=1))),
        ("kr308", 0.6, 0.6, _on(must, _arrow(0, bent=-1))),
        ("kr318", 0.6, 0.6, _on(lambda c: _plate(c, BLUE, WHITE), _text("P", 0.6, WHITE))),
        ("kr322", 0.65, 0.65, crossing),
        ("kr326", 0.9, 0.35, _on(lambda c: _plate(c, BLUE, WHITE), _arrow(90, WHITE, 0.4))),
        ("kr350", 3.6, 1.8, guide),
        (
            "kr351",
            2.2,
            0.55,
            _on(
                lambda c: _plate(c, BLUE, WHITE),
                _glyphs(31, 4, 0.5, 0.24, WHITE),
                _arrow(90, WHITE, 0.3, x=0.9),
            ),
        ),
    ]
    signs += [_face(c, "indicating_sign", w, h, d) for c, w, h, d in indicating]
    auxiliary = [
        ("kr401", _text("200m", 0.42)),
        ("kr405", _text("07:00-20:00", 0.4)),
        ("kr417", _arrow(90, BLACK, 0.36)),
        ("kr419", _glyphs(41, 3, 0.5, 0.24, BLACK)),
        ("kr428", _glyphs(44, 4, 0.5, 0.2, RED)),
    ]
    signs += [_face(c, "auxiliary_sign", 0.7, 0.3, _on(small, d)) for c, d in auxiliary]
    return signs


def _mutcd() -> list[SignFace]:
    amber: Colour = (0, 200, 255)
    lime: Colour = (40, 245, 205)

    def warn(c: Canvas) -> None:
        _ngon(c, 4, 0, amber, BLACK, 0.025)
        c.polygon(regular(4, 0.445, 0), amber)

    def white(c: Canvas) -> None:
        _plate(c, WHITE, BLACK, 0.025)

    def green(c: Canvas) -> None:
        _plate(c, GREEN, WHITE, 0.03)

    warning = [
        ("usW1-2", _snake(1, s=0.26, y=0.52)),
        ("usW1-1", _snake(-1, s=0.26, y=0.52)),
        ("usW1-5", _snake(2, s=0.26, y=0.52)),
        ("usW2-1", _cross(y=0.5, s=0.2, w=0.09)),
        ("usW3-3", _lamps(0.5, 0.085)),
        ("usW11-2", _walker(s=0.26, y=0.52)),
        ("usW11-1", _bicycle(s=0.25, y=0.5)),
        ("usW8-1", _text("BUMP", 0.16)),
    ]
    signs = [_face(c, "warning_sign", 0.95, 0.95, _on(warn, m)) for c, m in warning]
    school = [(0.5, 0.0), (1.0, 0.42), (1.0, 1.0), (0.0, 1.0), (0.0, 0.42)]

    def children(c: Canvas) -> None:
        c.polygon(school, lime, plate=True)
        c.walker(0.38, 0.62, 0.24, BLACK)
        c.walker(0.64, 0.66, 0.2, BLACK)

    signs.append(_face("usS1-1", "warning_sign", 0.9, 0.9, children))
    for value in ("25", "35", "40", "45"):
        face = _on(
            white,
            _text("SPEED", 0.1, y=0.16),
            _text("LIMIT", 0.1, y=0.32),
            _text(value, 0.34, y=0.68),
        )
        signs.append(_face("usR2-1", "regulating_sign", 0.6, 0.75, face, value))
    stop = _on(lambda c: _ngon(c, 8, 22.5, RED, WHITE, 0.025), _text("STOP", 0.23, WHITE))
    slash = _bar(RED, (0.24, 0.24), (0.76, 0.76), 0.08)

    def ring(c: Canvas) -> None:
        c.ring(0.5, 0.5, 0.38, 0.08, RED)

    def one_way(c: Canvas) -> None:
        _plate(c, BLACK, WHITE, 0.03)
        c.polygon(
            [
                (0.06, 0.3),
                (0.72, 0.3),
                (0.72, 0.14),
                (0.95, 0.5),
                (0.72, 0.86),
                (0.72, 0.7),
                (0.06, 0.7),
            ],
            WHITE,
        )
        c.text(0.4, 0.5, "ONE WAY", 0.22, BLACK)

    regulating = [
        ("usR1-1", 0.75, 0.75, stop),
        (
            "usR1-2",
            0.9,
            0.8,
            _on(lambda c: _triangle(c, WHITE, RED, down=True), _text("YIELD", 0.1, RED, y=0.33)),
        ),
        ("usR3-1", 0.6, 0.6, _on(white, _arrow(0, BLACK, 0.24, bent=1), ring, slash)),
        ("usR3-2", 0.6, 0.6, _on(white, _arrow(0, BLACK, 0.24, bent=-1), ring, slash)),
        (
            "usR5-1",
            0.75,
            0.75,
            _on(
                white,
                lambda c: c.disc(0.5, 0.5, 0.46, RED),
                _bar(WHITE, (0.2, 0.5), (0.8, 0.5), 0.14),
            ),
        ),
        (
            "usR7-1",
            0.35,
            0.55,
            _on(
                white,
                _text("NO", 0.12, RED, y=0.2),
                _text("PARKING", 0.1, RED, y=0.42),
                _arrow(90, RED, 0.12, y=0.75),
            ),
        ),
        ("usR4-7", 0.6, 0.75, _on(white, _arrow(30, BLACK, 0.3))),
        ("usR6-1", 0.9, 0.32, one_way),
        (
            "usR3-5",
            0.6,
            0.75,
            _on(white, _arrow(0, BLACK, 0.24, bent=-1, y=0.4), _text("ONLY", 0.12, y=0.82)),
        ),
    ]
    signs += [_face(c, "regulating_sign", w, h, d) for c, w, h, d in regulating]

    def shield(c: Canvas) -> None:
        _plate(c, BLACK, BLACK)
        c.disc(0.5, 0.5, 0.44, WHITE)
        c.text(0.5, 0.52, "27", 0.34, BLACK)

    indicating = [
        ("usD3-1", 1.3, 0.3, _on(green, _text("MAPLE ST", 0.45, WHITE))),
        ("usD1-1", 2.2, 0.6, _board(GREEN, WHITE, (("Oakland", 90),))),
        ("usD1-2", 2.4, 1.3, _board(GREEN, WHITE, (("Springfield", 0), ("Riverside", -90)))),
        ("usD4-1", 0.6, 0.6, _on(green, _text("P", 0.6, WHITE))),
        ("usD9-2", 0.6, 0.6, _on(lambda c: _plate(c, BLUE, WHITE), _text("H", 0.6, WHITE))),
        ("usM1-4", 0.6, 0.6, shield),
        ("usE1-5", 3.6, 1.8, _board((60, 95, 0), WHITE, (("Downtown", 0), ("Airport", 45)))),
    ]
    signs += [_face(c, "indicating_sign", w, h, d) for c, w, h, d in indicating]

    def plaque(fill: Colour) -> Draw:
        return lambda c: _plate(c, fill, BLACK, 0.04)

    auxiliary = [
        ("usW13-1P", _on(plaque(amber), _text("25 MPH", 0.4))),
        ("usW16-7P", _on(plaque(amber), _arrow(225, BLACK, 0.34))),
        ("usW16-2P", _on(plaque(amber), _text("500 FT", 0.4))),
        ("usR7-201P", _on(plaque(WHITE), _text("8AM-6PM", 0.36, RED))),
        ("usM3-1", _on(plaque(WHITE), _text("NORTH", 0.42))),
    ]
    signs += [_face(c, "auxiliary_sign", 0.6, 0.32, d) for c, d in auxiliary]
    return signs

"""Signs of the United States; codes "us" and the number in the MUTCD."""

from __future__ import annotations

from dalearn_ros.world.pictograms import BLACK, BLUE, GREEN, RED, WHITE, Canvas, Colour, regular
from dalearn_ros.world.sign_face import SignFace, face
from dalearn_ros.world.sign_parts import (
    Draw,
    arrow,
    bar,
    bicycle,
    board,
    cross,
    lamps,
    ngon,
    on,
    plate,
    snake,
    text,
    triangle,
    walker,
)


def mutcd() -> list[SignFace]:
    """All sign faces."""
    amber: Colour = (0, 200, 255)
    lime: Colour = (40, 245, 205)

    def warn(c: Canvas) -> None:
        ngon(c, 4, 0, amber, BLACK, 0.025)
        c.polygon(regular(4, 0.445, 0), amber)

    def white(c: Canvas) -> None:
        plate(c, WHITE, BLACK, 0.025)

    def green(c: Canvas) -> None:
        plate(c, GREEN, WHITE, 0.03)

    warning = [
        ("usW1-2", snake(1, s=0.26, y=0.52)),
        ("usW1-1", snake(-1, s=0.26, y=0.52)),
        ("usW1-5", snake(2, s=0.26, y=0.52)),
        ("usW2-1", cross(y=0.5, s=0.2, w=0.09)),
        ("usW3-3", lamps(0.5, 0.085)),
        ("usW11-2", walker(s=0.26, y=0.52)),
        ("usW11-1", bicycle(s=0.25, y=0.5)),
        ("usW8-1", text("BUMP", 0.16)),
    ]
    signs = [face(c, "warning_sign", 0.95, 0.95, on(warn, m)) for c, m in warning]
    school = [(0.5, 0.0), (1.0, 0.42), (1.0, 1.0), (0.0, 1.0), (0.0, 0.42)]

    def children(c: Canvas) -> None:
        c.polygon(school, lime, plate=True)
        c.walker(0.38, 0.62, 0.24, BLACK)
        c.walker(0.64, 0.66, 0.2, BLACK)

    signs.append(face("usS1-1", "warning_sign", 0.9, 0.9, children))
    for value in ("25", "35", "40", "45"):
        panel = on(
            white,
            text("SPEED", 0.1, y=0.16),
            text("LIMIT", 0.1, y=0.32),
            text(value, 0.34, y=0.68),
        )
        signs.append(face("usR2-1", "regulating_sign", 0.6, 0.75, panel, value))
    stop = on(lambda c: ngon(c, 8, 22.5, RED, WHITE, 0.025), text("STOP", 0.23, WHITE))
    slash = bar(RED, (0.24, 0.24), (0.76, 0.76), 0.08)

    def ring(c: Canvas) -> None:
        c.ring(0.5, 0.5, 0.38, 0.08, RED)

    def one_way(c: Canvas) -> None:
        plate(c, BLACK, WHITE, 0.03)
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
            on(lambda c: triangle(c, WHITE, RED, down=True), text("YIELD", 0.1, RED, y=0.33)),
        ),
        ("usR3-1", 0.6, 0.6, on(white, arrow(0, BLACK, 0.24, bent=1), ring, slash)),
        ("usR3-2", 0.6, 0.6, on(white, arrow(0, BLACK, 0.24, bent=-1), ring, slash)),
        (
            "usR5-1",
            0.75,
            0.75,
            on(
                white,
                lambda c: c.disc(0.5, 0.5, 0.46, RED),
                bar(WHITE, (0.2, 0.5), (0.8, 0.5), 0.14),
            ),
        ),
        (
            "usR7-1",
            0.35,
            0.55,
            on(
                white,
                text("NO", 0.12, RED, y=0.2),
                text("PARKING", 0.1, RED, y=0.42),
                arrow(90, RED, 0.12, y=0.75),
            ),
        ),
        ("usR4-7", 0.6, 0.75, on(white, arrow(30, BLACK, 0.3))),
        ("usR6-1", 0.9, 0.32, one_way),
        (
            "usR3-5",
            0.6,
            0.75,
            on(white, arrow(0, BLACK, 0.24, bent=-1, y=0.4), text("ONLY", 0.12, y=0.82)),
        ),
    ]
    signs += [face(c, "regulating_sign", w, h, d) for c, w, h, d in regulating]

    def shield(c: Canvas) -> None:
        plate(c, BLACK, BLACK)
        c.disc(0.5, 0.5, 0.44, WHITE)
        c.text(0.5, 0.52, "27", 0.34, BLACK)

    indicating = [
        ("usD3-1", 1.3, 0.3, on(green, text("MAPLE ST", 0.45, WHITE))),
        ("usD1-1", 2.2, 0.6, board(GREEN, WHITE, (("Oakland", 90),))),
        ("usD1-2", 2.4, 1.3, board(GREEN, WHITE, (("Springfield", 0), ("Riverside", -90)))),
        ("usD4-1", 0.6, 0.6, on(green, text("P", 0.6, WHITE))),
        ("usD9-2", 0.6, 0.6, on(lambda c: plate(c, BLUE, WHITE), text("H", 0.6, WHITE))),
        ("usM1-4", 0.6, 0.6, shield),
        ("usE1-5", 3.6, 1.8, board((60, 95, 0), WHITE, (("Downtown", 0), ("Airport", 45)))),
    ]
    signs += [face(c, "indicating_sign", w, h, d) for c, w, h, d in indicating]

    def plaque(fill: Colour) -> Draw:
        return lambda c: plate(c, fill, BLACK, 0.04)

    auxiliary = [
        ("usW13-1P", on(plaque(amber), text("25 MPH", 0.4))),
        ("usW16-7P", on(plaque(amber), arrow(225, BLACK, 0.34))),
        ("usW16-2P", on(plaque(amber), text("500 FT", 0.4))),
        ("usR7-201P", on(plaque(WHITE), text("8AM-6PM", 0.36, RED))),
        ("usM3-1", on(plaque(WHITE), text("NORTH", 0.42))),
    ]
    signs += [face(c, "auxiliary_sign", 0.6, 0.32, d) for c, d in auxiliary]
    return signs

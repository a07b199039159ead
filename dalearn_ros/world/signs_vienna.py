"""Signs of the Vienna convention in their German form; codes "de" and the number in the StVO."""

from __future__ import annotations

from dalearn_ros.world.pictograms import BLACK, BLUE, RED, WHITE, Canvas, Colour, regular
from dalearn_ros.world.sign_face import SignFace, face
from dalearn_ros.world.sign_parts import (
    arrow,
    bar,
    bicycle,
    board,
    car,
    circle,
    cross,
    lamps,
    ngon,
    on,
    plate,
    snake,
    text,
    triangle,
    walker,
    zebra,
)


def vienna() -> list[SignFace]:
    """All sign faces."""

    def warn(c: Canvas) -> None:
        triangle(c, WHITE, RED)

    def ban(c: Canvas) -> None:
        circle(c, WHITE, RED)

    def must(c: Canvas) -> None:
        circle(c, BLUE, WHITE, 0.02)

    def blue(c: Canvas) -> None:
        plate(c, BLUE, WHITE)

    def small(c: Canvas) -> None:
        plate(c, WHITE, BLACK, 0.05)

    yellow: Colour = (20, 195, 250)
    warning = [
        ("de101", text("!", 0.36, y=0.58)),
        ("de102", cross()),
        ("de103", snake(1)),
        ("de105", snake(2)),
        ("de131", lamps()),
        ("de133", walker(s=0.22, y=0.58)),
        ("de138", bicycle(s=0.2, y=0.6)),
        ("de123", on(car(BLACK, 0.5, 0.62, 0.17))),
    ]
    signs = [face(code, "warning_sign", 0.9, 0.79, on(warn, mark)) for code, mark in warning]
    for value in ("30", "50", "60", "70"):
        panel = on(ban, text(value, 0.34))
        signs.append(face("de274", "regulating_sign", 0.6, 0.6, panel, value))
    slash = bar(RED, (0.2, 0.2), (0.8, 0.8))
    stop = on(lambda c: ngon(c, 8, 22.5, RED, WHITE, 0.03), text("STOP", 0.22, WHITE))
    no_entry = on(lambda c: circle(c, RED, WHITE, 0.02), bar(WHITE, (0.16, 0.5), (0.84, 0.5), 0.18))
    no_stop = on(lambda c: circle(c, BLUE, RED), slash, bar(RED, (0.8, 0.2), (0.2, 0.8)))
    regulating = [
        ("de205", 0.9, lambda c: triangle(c, WHITE, RED, down=True)),
        ("de206", 0.75, stop),
        ("de250", 0.6, ban),
        ("de254", 0.6, on(ban, bicycle())),
        ("de267", 0.6, no_entry),
        ("de276", 0.6, on(ban, car(RED, 0.33, 0.5), car(BLACK, 0.67, 0.5))),
        ("de283", 0.6, no_stop),
        ("de286", 0.6, on(lambda c: circle(c, BLUE, RED), slash)),
        ("de209", 0.6, on(must, arrow(90))),
        ("de214", 0.6, on(must, arrow(0, bent=1))),
        ("de222", 0.6, on(must, arrow(135))),
        ("de237", 0.6, on(must, bicycle(WHITE))),
        ("de239", 0.6, on(must, walker(WHITE))),
    ]
    signs += [face(c, "regulating_sign", s, s, d) for c, s, d in regulating]
    one_way = on(blue, arrow(90, WHITE, 0.42))
    signs.append(face("de220", "regulating_sign", 0.8, 0.3, one_way))
    diamond = on(
        lambda c: ngon(c, 4, 0, WHITE, BLACK, 0.012),
        lambda c: c.polygon(regular(4, 0.34, 0), yellow),
    )
    indicating = [
        ("de306", 0.65, 0.65, diamond),
        ("de314", 0.6, 0.6, on(blue, text("P", 0.6, WHITE))),
        ("de350", 0.65, 0.65, on(blue, zebra(BLACK))),
        (
            "de357",
            0.6,
            0.6,
            on(
                blue,
                bar(WHITE, (0.5, 0.85), (0.5, 0.3), 0.14),
                bar(RED, (0.28, 0.3), (0.72, 0.3), 0.14),
            ),
        ),
        ("de432", 1.9, 0.5, board((245, 245, 245), BLACK, (("Zentrum", 90),))),
        ("de418", 1.9, 0.5, board(yellow, BLACK, (("Lindau", 90),))),
        (
            "de434",
            2.4,
            1.6,
            board(yellow, BLACK, (("Altdorf", 0), ("Seehausen", 90), ("Kirchberg", -90))),
        ),
        ("de449", 3.4, 1.7, board(BLUE, WHITE, (("Nordstadt", 0), ("Hafen", 45)))),
    ]
    signs += [face(c, "indicating_sign", w, h, d) for c, w, h, d in indicating]
    auxiliary = [
        ("de1004", text("200 m", 0.5)),
        ("de1040", text("7-18 h", 0.5)),
        ("de1000", arrow(90, BLACK, 0.36)),
        ("de1022", on(bicycle(BLACK, 0.34, 0.45, 0.28), text("frei", 0.3, x=0.7))),
        ("de1060", on(car(BLACK, 0.3, 0.5, 0.4), text("5 t", 0.4, x=0.7))),
    ]
    signs += [face(c, "auxiliary_sign", 0.6, 0.33, on(small, d)) for c, d in auxiliary]
    return signs

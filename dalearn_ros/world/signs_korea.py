"""Signs of the Republic of Korea; codes "kr" and the number in annex 6 of the traffic rules."""

from __future__ import annotations

from dalearn_ros.world.pictograms import BLACK, BLUE, GREEN, RED, WHITE, Canvas, Colour
from dalearn_ros.world.sign_face import SignFace, face
from dalearn_ros.world.sign_parts import (
    arrow,
    bar,
    bicycle,
    circle,
    cross,
    glyphs,
    lamps,
    ngon,
    on,
    plate,
    snake,
    text,
    triangle,
    walker,
)


def korea() -> list[SignFace]:
    """All sign faces."""
    yellow: Colour = (30, 205, 250)

    def warn(c: Canvas) -> None:
        triangle(c, yellow, RED)

    def ban(c: Canvas) -> None:
        circle(c, WHITE, RED, 0.12)

    def must(c: Canvas) -> None:
        circle(c, BLUE, WHITE, 0.025)

    def small(c: Canvas) -> None:
        plate(c, WHITE, BLACK, 0.03)

    warning = [
        ("kr101", cross(w=0.09)),
        ("kr111", snake(1)),
        ("kr112", snake(-1)),
        ("kr113", snake(2)),
        ("kr125", lamps()),
        ("kr132", walker(s=0.2, y=0.6)),
        ("kr133", on(walker(s=0.17, y=0.62, x=0.42), walker(s=0.14, y=0.64, x=0.6))),
        ("kr134", bicycle(s=0.19, y=0.62)),
        ("kr140", text("!", 0.34, y=0.6)),
    ]
    signs = [face(code, "warning_sign", 0.9, 0.8, on(warn, mark)) for code, mark in warning]
    for value in ("30", "40", "50", "60"):
        panel = on(ban, text(value, 0.36))
        signs.append(face("kr224", "regulating_sign", 0.6, 0.6, panel, value))
    slash = bar(RED, (0.2, 0.2), (0.8, 0.8), 0.11)
    stop = on(
        lambda c: ngon(c, 8, 22.5, RED, WHITE, 0.03),
        glyphs(3, 2, 0.4, 0.13, WHITE),
        text("STOP", 0.12, WHITE, y=0.68),
    )
    give = on(lambda c: triangle(c, WHITE, RED, down=True), glyphs(5, 2, 0.36, 0.08, BLACK))
    regulating = [
        (
            "kr211",
            0.6,
            on(lambda c: circle(c, RED, WHITE, 0.02), bar(WHITE, (0.16, 0.5), (0.84, 0.5), 0.18)),
        ),
        ("kr218", 0.6, on(ban, arrow(0, BLACK, 0.26, bent=-1), slash)),
        ("kr217", 0.6, on(ban, arrow(0, BLACK, 0.26, bent=1), slash)),
        ("kr216", 0.6, on(ban, arrow(180, BLACK, 0.26), slash)),
        (
            "kr219",
            0.6,
            on(lambda c: circle(c, BLUE, RED, 0.12), slash, glyphs(9, 2, 0.5, 0.1, WHITE)),
        ),
        ("kr230", 0.6, on(ban, walker(s=0.22), slash)),
        ("kr220", 0.6, on(ban, text("5.5t", 0.22))),
        ("kr227", 0.75, stop),
        ("kr228", 0.9, give),
    ]
    signs += [face(c, "regulating_sign", s, s, d) for c, s, d in regulating]
    house = [(0.5, 0.0), (1.0, 0.4), (1.0, 1.0), (0.0, 1.0), (0.0, 0.4)]

    def crossing(c: Canvas) -> None:
        c.polygon(house, BLUE, plate=True)
        c.polygon([(0.5, 0.2), (0.88, 0.88), (0.12, 0.88)], WHITE)
        c.walker(0.5, 0.62, 0.18, BLACK)

    def guide(c: Canvas) -> None:
        plate(c, GREEN, WHITE, 0.025)
        c.line([(0.5, 0.92), (0.5, 0.25)], WHITE, 0.05)
        c.polygon([(0.46, 0.3), (0.54, 0.3), (0.5, 0.14)], WHITE)
        c.line([(0.25, 0.55), (0.75, 0.55)], WHITE, 0.05)
        for x, seed in ((0.16, 21), (0.84, 25)):
            for i in range(2):
                c.glyph(x + (i - 0.5) * 0.13, 0.4, 0.07, WHITE, seed + i)
            c.text(x, 0.72, "Jung-gu" if x < 0.5 else "Daero", 0.09, WHITE, 0.14)

    indicating = [
        ("kr301", 0.6, 0.6, on(must, text("CAR", 0.2, WHITE))),
        ("kr302", 0.6, 0.6, on(must, bicycle(WHITE))),
        ("kr304", 0.6, 0.6, on(must, arrow(0, s=0.34))),
        ("kr305", 0.6, 0.6, on(must, arrow(90, s=0.34))),
        ("kr307", 0.6, 0.6, on(must, arrow(0, bent=1))),
        ("kr308", 0.6, 0.6, on(must, arrow(0, bent=-1))),
        ("kr318", 0.6, 0.6, on(lambda c: plate(c, BLUE, WHITE), text("P", 0.6, WHITE))),
        ("kr322", 0.65, 0.65, crossing),
        ("kr326", 0.9, 0.35, on(lambda c: plate(c, BLUE, WHITE), arrow(90, WHITE, 0.4))),
        ("kr350", 3.6, 1.8, guide),
        (
            "kr351",
            2.2,
            0.55,
            on(
                lambda c: plate(c, BLUE, WHITE),
                glyphs(31, 4, 0.5, 0.24, WHITE),
                arrow(90, WHITE, 0.3, x=0.9),
            ),
        ),
    ]
    signs += [face(c, "indicating_sign", w, h, d) for c, w, h, d in indicating]
    auxiliary = [
        ("kr401", text("200m", 0.42)),
        ("kr405", text("07:00-20:00", 0.4)),
        ("kr417", arrow(90, BLACK, 0.36)),
        ("kr419", glyphs(41, 3, 0.5, 0.24, BLACK)),
        ("kr428", glyphs(44, 4, 0.5, 0.2, RED)),
    ]
    signs += [face(c, "auxiliary_sign", 0.7, 0.3, on(small, d)) for c, d in auxiliary]
    return signs

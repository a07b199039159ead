"""Drawing on a sign face: unit coordinates (0..1, y down) on a large canvas, made small later."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Colour = tuple[int, int, int]  # blue, green, red
Points = Sequence[tuple[float, float]]
WHITE: Colour = (245, 245, 245)
BLACK: Colour = (22, 20, 20)
RED: Colour = (35, 25, 190)
BLUE: Colour = (170, 80, 10)
YELLOW: Colour = (10, 190, 245)
GREEN: Colour = (80, 110, 10)
GREY: Colour = (140, 140, 140)


class Canvas:
    """A face of ``width`` x ``height`` pixels with a mask of where it exists."""

    def __init__(self, width: int = 512, height: int = 512) -> None:
        self.w, self.h = width, height
        self.bgr = np.zeros((height, width, 3), dtype=np.uint8)
        self.mask = np.zeros((height, width), dtype=np.uint8)

    def px(self, points: Points) -> npt.NDArray[np.int32]:
        """Unit coordinates as pixels."""
        size = np.array([self.w - 1, self.h - 1])
        return np.asarray(np.round(np.asarray(points, dtype=float) * size), dtype=np.int32)

    def polygon(self, points: Points, colour: Colour, plate: bool = False) -> None:
        """Fill a polygon; ``plate`` makes it part of the face's outline."""
        cv2.fillPoly(self.bgr, [self.px(points)], colour, cv2.LINE_AA)
        if plate:
            cv2.fillPoly(self.mask, [self.px(points)], 255)

    def disc(self, x: float, y: float, r: float, colour: Colour, plate: bool = False) -> None:
        """Fill a disc of radius ``r`` (of the width)."""
        c = self.px([(x, y)])[0]
        centre, radius = (int(c[0]), int(c[1])), round(r * self.w)
        cv2.circle(self.bgr, centre, radius, colour, -1, cv2.LINE_AA)
        if plate:
            cv2.circle(self.mask, centre, radius, 255, -1)

    def ring(self, x: float, y: float, r: float, width: float, colour: Colour) -> None:
        """A circle's line."""
        c = self.px([(x, y)])[0]
        centre = (int(c[0]), int(c[1]))
        cv2.circle(self.bgr, centre, round(r * self.w), colour, round(width * self.w), cv2.LINE_AA)

    def line(self, points: Points, colour: Colour, width: float) -> None:
        """A broken line of a width (of the face's height)."""
        cv2.polylines(
            self.bgr, [self.px(points)], False, colour, max(1, round(width * self.h)), cv2.LINE_AA
        )

    def text(
        self, x: float, y: float, text: str, size: float, colour: Colour, bold: float = 0.16
    ) -> None:
        """Text centred at (x, y); ``size`` is the capitals' height (of the face's height)."""
        font = cv2.FONT_HERSHEY_SIMPLEX
        scale = size * self.h / 21.0
        thick = max(1, round(size * self.h * bold))
        (w, h), _ = cv2.getTextSize(text, font, scale, thick)
        room = 0.92 * self.w
        if w > room:
            scale, thick = scale * room / w, max(1, round(thick * room / w))
            (w, h), _ = cv2.getTextSize(text, font, scale, thick)
        at = (round(x * self.w - w / 2), round(y * self.h + h / 2))
        cv2.putText(self.bgr, text, at, font, scale, colour, thick, cv2.LINE_AA)

    # -- pictograms: centred at (x, y), s = half their size ----------------------------------
    def arrow(
        self, x: float, y: float, s: float, colour: Colour, turn: float = 0.0, bent: int = 0
    ) -> None:
        """An arrow; ``turn`` degrees clockwise from up; ``bent`` -1 left, 1 right: a bent one."""
        a = np.radians(turn)
        rotate = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])

        def put(points: Points) -> Points:
            p = np.asarray(points, dtype=float) * s @ rotate.T
            p[:, 0] *= self.h / self.w
            return [(float(q[0] + x), float(q[1] + y)) for q in p]

        if bent == 0:
            self.line(put([(0, 1), (0, -0.3)]), colour, 0.36 * s)
            self.polygon(put([(-0.6, -0.2), (0.6, -0.2), (0, -1)]), colour)
        else:
            b = float(bent)
            self.line(put([(-b * 0.5, 1), (-b * 0.5, -0.2), (b * 0.3, -0.2)]), colour, 0.36 * s)
            self.polygon(put([(b * 0.25, -0.75), (b * 0.25, 0.35), (b, -0.2)]), colour)

    def walker(self, x: float, y: float, s: float, colour: Colour) -> None:
        """A walking person."""
        k = self.h / self.w
        self.disc(x + 0.02, y - 0.8 * s, 0.2 * s * k, colour)
        for a, b in (
            ((0, -0.5), (-0.1, 0.15)),
            ((-0.1, 0.15), (-0.5, 0.95)),
            ((-0.1, 0.15), (0.4, 0.95)),
            ((0, -0.4), (-0.5, 0.05)),
            ((0, -0.4), (0.5, 0.0)),
        ):
            ends = [(x + p[0] * s * k, y + p[1] * s) for p in (a, b)]
            self.line(ends, colour, 0.22 * s)

    def bicycle(self, x: float, y: float, s: float, colour: Colour) -> None:
        """A bicycle seen from the side."""
        k = self.h / self.w
        for side in (-0.6, 0.6):
            self.ring(x + side * s * k, y + 0.3 * s, 0.4 * s * k, 0.1 * s * k, colour)
        frame = [(-0.6, 0.3), (-0.25, -0.4), (0.4, -0.4), (0.6, 0.3), (0.0, 0.3), (-0.25, -0.4)]
        self.line([(x + p * s * k, y + q * s) for p, q in frame], colour, 0.1 * s)
        bars = [(0.4, -0.4), (0.3, -0.7), (0.6, -0.75)]
        self.line([(x + p * s * k, y + q * s) for p, q in bars], colour, 0.1 * s)

    def car(self, x: float, y: float, s: float, colour: Colour) -> None:
        """A car seen from behind."""
        k = self.h / self.w
        body = [(-0.7, 0.5), (-0.7, 0), (-0.45, -0.5), (0.45, -0.5), (0.7, 0), (0.7, 0.5)]
        self.polygon([(x + p * s * k, y + q * s) for p, q in body], colour)
        for side in (-0.45, 0.45):
            self.disc(x + side * s * k, y + 0.55 * s, 0.16 * s * k, colour)

    def snake(self, x: float, y: float, s: float, colour: Colour, bends: int = 1) -> None:
        """A bending road: 1 bend to the right, -1 to the left, 2 a double bend."""
        k = self.h / self.w
        side = -1.0 if bends < 0 else 1.0
        path = [(-0.3, 1.0), (-0.3, 0.2), (0.3, -0.4), (0.3, -0.9)]
        if abs(bends) > 1:
            path = [(-0.3, 1.0), (-0.3, 0.5), (0.3, 0.1), (-0.3, -0.4), (-0.3, -0.9)]
        self.line([(x + side * p * s * k, y + q * s) for p, q in path], colour, 0.24 * s)
        tip = path[-1]
        head = [(-0.32, 0.1), (0.32, 0.1), (0.0, -0.35)]
        points = [(x + (side * tip[0] + p) * s * k, y + (tip[1] + q) * s) for p, q in head]
        self.polygon(points, colour)

    def glyph(self, x: float, y: float, s: float, colour: Colour, seed: int) -> None:
        """A made-up block letter of strokes and a ring, as a Korean text looks from afar."""
        rng = np.random.default_rng(seed)
        k = self.h / self.w
        for _ in range(3):
            a = rng.choice([-0.8, -0.2, 0.4, 0.8], 2)
            b = (
                np.array([a[0], rng.choice([-0.8, 0.0, 0.8])])
                if rng.random() < 0.5
                else np.array([rng.choice([-0.8, 0.0, 0.8]), a[1]])
            )
            ends = [(x + float(p[0]) * s * k, y + float(p[1]) * s) for p in (a, b)]
            self.line(ends, colour, 0.24 * s)
        if rng.random() < 0.6:
            self.ring(x, y + 0.5 * s, 0.3 * s * k, 0.2 * s * k, colour)


def regular(n: int, r: float, turn: float) -> list[tuple[float, float]]:
    """Corners of a regular polygon about (0.5, 0.5); ``turn`` degrees of the first from up."""
    a = np.radians(turn + 360.0 / n * np.arange(n))
    return [(float(0.5 + r * np.sin(t)), float(0.5 - r * np.cos(t))) for t in a]

"""Procedural surfaces: asphalt, paint, facades, leaves, vehicles, signals, sky."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.world.materials import DIFFUSE, EMISSIVE, GROUND, Image, with_code
from dalearn_ros.world.style import City, Colour

Array = npt.NDArray[np.float64]
Random = np.random.Generator


def bgr255(colour: Colour | Array) -> Array:
    """A red-green-blue 0..1 colour as blue-green-red 0..255."""
    return np.asarray(colour, dtype=np.float64)[::-1] * 255.0


def fractal(rng: Random, size: int, octaves: tuple[int, ...]) -> Array:
    """Tiling noise (size, size), mean 0 and deviation 1, of cells per side ``octaves``."""
    total = np.zeros((size, size))
    for cells in (c for c in octaves if c <= size):
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        tiled = np.pad(grid, 2, mode="wrap")
        step = size // cells
        big = cv2.resize(tiled, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += big[2 * step : 2 * step + size, 2 * step : 2 * step + size] / np.sqrt(cells)
    return np.asarray((total - total.mean()) / total.std())


def surface(rng: Random, colour: Colour, grain: float, code: int, size: int = 512) -> Image:
    """A rough surface that tiles."""
    fine = rng.standard_normal((size, size)) * 0.7 + fractal(rng, size, (4, 16, 64, 256)) * 0.6
    return with_code(bgr255(colour) * (1.0 + grain * fine[..., None] * 1.3), code)


def asphalt(rng: Random, city: City) -> Image:
    """8 m x 8 m of road: grain, patches and tar-filled cracks."""
    image = surface(rng, city.asphalt, city.asphalt_grain, GROUND).copy()
    for _ in range(3):
        x, y = rng.integers(0, 400, 2)
        w, h = rng.integers(40, 110, 2)
        patch = image[y : y + h, x : x + w, :3].astype(float) * rng.uniform(0.78, 1.1)
        image[y : y + h, x : x + w, :3] = np.clip(patch, 0, 255)
    for _ in range(round(6 * city.paint_wear * 2)):
        walk = np.cumsum(rng.normal(0, 5, (40, 2)) + rng.normal(0, 4, 2), axis=0)
        path = (walk + rng.uniform(0, 512, 2)).astype(np.int32)
        cv2.polylines(
            image, [path], False, (*(bgr255(city.asphalt) * 0.55), GROUND), 2, cv2.LINE_AA
        )
    return np.asarray(image, dtype=np.uint8)


def paint(rng: Random, colour: Colour, road: Colour, wear: float) -> Image:
    """2 m x 2 m of worn road paint."""
    size = 256
    noise = fractal(rng, size, (4, 16, 64)) * 0.8 + rng.standard_normal((size, size)) * 0.5
    worn = np.clip((noise - 2.6 + 2.6 * wear) * 0.9, 0.0, 0.75)[..., None]
    base = bgr255(colour) * (1.0 + 0.03 * rng.standard_normal((size, size, 1)))
    return with_code(base * (1 - worn) + bgr255(road) * worn, GROUND)


def paving(rng: Random, colour: Colour, cells: int) -> Image:
    """2 m x 2 m of paving stones."""
    image = surface(rng, colour, 0.05, GROUND, 256).astype(float)
    step = 256 // cells
    for row in range(cells):
        for column in range(cells):
            x = column * step + (step // 2 if row % 2 else 0)
            shade = rng.uniform(0.9, 1.06)
            image[row * step : (row + 1) * step, x : x + step, :3] *= shade
        image[row * step, :, :3] *= 0.75
        for column in range(cells):
            x = column * step + (step // 2 if row % 2 else 0)
            image[row * step : (row + 1) * step, x % 256, :3] *= 0.78
    return np.asarray(np.clip(image, 0, 255), dtype=np.uint8)


def facade(rng: Random, colour: Colour, lit_share: float) -> Image:
    """4 windows x 4 floors of a front (512 x 512); some windows are lit by night."""
    size, cells = 512, 4
    step = size // cells
    image = surface(rng, colour, 0.03, DIFFUSE, size).copy()
    style = rng.integers(0, 4)
    ww, wh = [(0.46, 0.6), (0.36, 0.62), (0.8, 0.5), (0.56, 0.56)][style]
    frame = bgr255(rng.choice([(0.9, 0.9, 0.88), (0.3, 0.25, 0.22), (0.5, 0.5, 0.52)]))
    glass = bgr255((0.22, 0.27, 0.33)) * rng.uniform(0.7, 1.5)
    if style == 3:  # courses of stone
        for y in range(0, size, 16):
            image[y, :, :3] = (image[y, :, :3] * 0.85).astype(np.uint8)
    for row in range(cells):
        y_line = row * step
        image[y_line : y_line + 5, :, :3] = np.clip(bgr255(colour) * 0.85, 0, 255)
        for column in range(cells):
            x0 = int((column + 0.5 - ww / 2) * step)
            y0 = int((row + 0.52 - wh / 2) * step)
            x1, y1 = x0 + int(ww * step), y0 + int(wh * step)
            cv2.rectangle(image, (x0 - 5, y0 - 5), (x1 + 5, y1 + 5), (*frame, DIFFUSE), -1)
            lit = rng.random() < lit_share
            fall = np.linspace(1.35, 0.65, y1 - y0)[:, None, None] * rng.uniform(0.7, 1.3)
            pane = np.clip(glass * fall + rng.uniform(0, 35), 0, 255)
            if lit:
                warm = np.array([120, 190, 245]) * rng.uniform(0.4, 0.85)
                pane = np.broadcast_to(warm, (y1 - y0, 1, 3))
            image[y0:y1, x0:x1, :3] = pane
            image[y0:y1, x0:x1, 3] = EMISSIVE if lit else DIFFUSE
            if not lit and rng.random() < 0.5:  # curtain
                half = x0 + int((x1 - x0) * rng.uniform(0.2, 0.5))
                image[y0:y1, x0:half, :3] = bgr255((0.62, 0.6, 0.56))
            middle = (x0 + x1) // 2
            image[y0:y1, middle - 2 : middle + 2] = (*frame, DIFFUSE)
            cv2.rectangle(image, (x0 - 9, y1 + 4), (x1 + 9, y1 + 10), (*(frame * 0.8), DIFFUSE), -1)
    return np.asarray(image, dtype=np.uint8)


def shop(rng: Random, colour: Colour, lit: bool) -> Image:
    """8 m of ground floor (512 x 256): windows, door, a name board."""
    image = surface(rng, colour, 0.03, DIFFUSE, 512)[:256].copy()
    board = rng.uniform(20, 230, 3)
    ink = (245, 245, 245) if board.mean() < 130 else (30, 30, 30)
    code = EMISSIVE if lit else DIFFUSE
    cv2.rectangle(image, (6, 14), (505, 70), (*board, code), -1)
    word = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVZ"), rng.integers(4, 9)))
    cv2.putText(image, word, (40, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.7, (*ink, code), 5, cv2.LINE_AA)
    x = 14
    while x < 440:
        width = int(rng.integers(70, 150))
        door = rng.random() < 0.3
        low = 250 if door else 215
        pane = bgr255((0.25, 0.29, 0.34)) * rng.uniform(0.7, 1.6)
        if lit:
            pane = np.array([150, 205, 250]) * rng.uniform(0.5, 0.95)
        cv2.rectangle(image, (x, 82), (min(x + width, 500), low), (*pane, code), -1)
        for _ in range(5):
            a, b = rng.integers(x, min(x + width, 495)), rng.integers(120, low - 20)
            cv2.circle(
                image,
                (int(a), int(b)),
                int(rng.integers(6, 16)),
                (*(pane * rng.uniform(0.4, 1.5)).clip(0, 255), code),
                -1,
            )
        cv2.rectangle(image, (x, 82), (min(x + width, 500), low), (60, 60, 60, DIFFUSE), 3)
        x += width + 10
    return np.asarray(image, dtype=np.uint8)


def leaves(rng: Random, colour: Colour, size: int = 256, ragged: float = 1.0) -> Image:
    """A crown of leaves with holes and a ragged edge."""
    image = np.zeros((size, size, 4), dtype=np.uint8)
    centre = size / 2
    for layer in range(900):
        depth = layer / 900
        angle, r = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random()) * 0.43 * size
        lump = 1.0 + 0.16 * ragged * np.sin(3 * angle + 1.3) + 0.1 * ragged * np.sin(7 * angle)
        x, y = centre + r * lump * np.cos(angle), centre + r * lump * np.sin(angle)
        shade = (0.45 + 0.65 * depth) * rng.uniform(0.75, 1.2) * (1.12 - 0.45 * y / size)
        tone = np.clip(bgr255(colour) * shade, 0, 255)
        axes = (int(rng.integers(4, 10)), int(rng.integers(2, 6)))
        at = (int(x), int(y))
        cv2.ellipse(image, at, axes, rng.uniform(0, 180), 0, 360, (*tone, DIFFUSE), -1)
    return np.asarray(image, dtype=np.uint8)


def hedge(rng: Random, colour: Colour) -> Image:
    """2 m x 1 m of clipped hedge that tiles sideways."""
    base = surface(rng, colour, 0.22, DIFFUSE, 256)
    return np.ascontiguousarray(base[:128])


def sky(rng: Random, top: Array, low: Array, cloud: Array, cover: float) -> Image:
    """A dome's picture (256 x 1024): bearing along x, height 0..90 degrees along y."""
    h, w = 256, 1024
    noise = fractal(rng, 1024, (4, 8, 16, 32, 64))[:h]
    height = np.linspace(1.0, 0.0, h)[:, None]
    stretch = cv2.resize(noise.astype(np.float32), (w, h))
    density = np.clip((stretch + cover * 2.4 - 1.2) * 0.9, 0, 1) * np.clip(height * 5, 0.25, 1)
    base = low[None, None] + (top - low)[None, None] * (height[..., None] ** 0.6)
    lit = cloud[None, None] * (0.9 + 0.1 * np.clip(stretch, -1, 1)[..., None])
    return with_code((base * (1 - density[..., None]) + lit * density[..., None]) * 255, EMISSIVE)


SIGNAL_STATES = ("red", "amber", "green", "off")


def signal(state: str, horizontal: bool, body: Colour, lamps: int) -> Image:
    """The front of a traffic light (128 x 256 upright, or 256 x 128)."""
    n = lamps
    w, h = 96, 96 * n
    image = np.zeros((h, w, 4), dtype=np.uint8)
    image[...] = (*np.clip(bgr255(body), 0, 255), DIFFUSE)
    colours = {"red": (40, 40, 255), "amber": (30, 190, 255), "green": (140, 235, 70)}
    order = ["red", "amber", "green"] if n == 3 else ["red", "amber", "arrow", "green"]
    for i, name in enumerate(order):
        on = name == state
        colour = np.array(colours.get(name, (140, 235, 70)), dtype=float)
        colour = colour if on else colour * 0.16 + 18
        at = (48, 48 + 96 * i)
        cv2.circle(image, at, 43, (22, 22, 22, DIFFUSE), -1, cv2.LINE_AA)
        cv2.circle(image, at, 36, (*colour, EMISSIVE if on else DIFFUSE), -1, cv2.LINE_AA)
        if on:
            cv2.circle(image, at, 20, (*np.clip(colour + 70, 0, 255), EMISSIVE), -1, cv2.LINE_AA)
    if horizontal:
        image = np.ascontiguousarray(image.transpose(1, 0, 2))
    size = (256, 64) if horizontal else (64, 256)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def car_side(rng: Random, profile: Array, colour: Array) -> Image:
    """A vehicle's side (256 x 128) as a cutout; profile (k, 2) in unit length and height."""
    big = np.zeros((256, 512, 4), dtype=np.uint8)
    points = np.stack([profile[:, 0] * 511, 255 - profile[:, 1] * 255], axis=1).astype(np.int32)
    cv2.fillPoly(big, [points], (*colour, DIFFUSE))
    shade = np.linspace(1.08, 0.7, 256)[:, None, None]
    big[..., :3] = np.clip(big[..., :3] * shade, 0, 255).astype(np.uint8)
    roof = profile[:, 1].max()
    glass = np.array([[x, y] for x, y in profile if y > 0.62 * roof])
    middle = glass.mean(axis=0)
    window = middle + (glass - middle) * np.array([0.86, 0.7])
    window[window[:, 1] < 0.62 * roof, 1] = 0.62 * roof
    low = np.array([[glass[:, 0].max() - 0.02, 0.6 * roof], [glass[:, 0].min() + 0.02, 0.6 * roof]])
    shape = np.vstack([window, low])
    shape = np.stack([shape[:, 0] * 511, 255 - shape[:, 1] * 255], axis=1).astype(np.int32)
    cv2.fillConvexPoly(big, cv2.convexHull(shape), (58, 50, 44, DIFFUSE))
    door = int(middle[0] * 511)
    cv2.line(big, (door, 60), (door, 225), (*(colour * 0.6), DIFFUSE), 3)
    for x in (0.18, 0.81):
        at = (int(x * 511), 222)
        cv2.circle(big, at, 36, (22, 22, 24, DIFFUSE), -1)
        cv2.circle(big, at, 20, (150, 150, 150, DIFFUSE), -1)
        cv2.circle(big, at, 9, (70, 70, 70, DIFFUSE), -1)
    return cv2.resize(big, (256, 128), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def car_end(colour: Array, rear: bool, lamps_on: bool) -> Image:
    """Front or rear of a vehicle (128 x 128): glass, lamps, plate."""
    image = np.zeros((128, 128, 4), dtype=np.uint8)
    image[...] = (*colour, DIFFUSE)
    image[90:, :, :3] = (image[90:, :, :3] * 0.5).astype(np.uint8)
    lamp = (40, 30, 215) if rear else (235, 245, 250)
    code = EMISSIVE if lamps_on else DIFFUSE
    if not lamps_on:
        lamp = (30, 25, 130) if rear else (215, 215, 210)
    for x0, x1 in ((4, 28), (100, 124)):
        cv2.rectangle(image, (x0, 52), (x1, 70), (*lamp, code), -1)
    cv2.rectangle(image, (44, 76), (84, 90), (225, 225, 225, DIFFUSE), -1)
    cv2.rectangle(image, (34, 52), (94, 66), (30, 30, 30, DIFFUSE), -1)
    cv2.rectangle(image, (0, 112), (127, 127), (20, 20, 22, DIFFUSE), -1)
    return np.asarray(image, dtype=np.uint8)


def snowed(rng: Random, image: Image, cover: float, decal: bool = False) -> Image:
    """A surface with patches of snow on a share of it; a decal vanishes under them."""
    h, w = image.shape[:2]
    size = max(h, w)
    noise = fractal(rng, size, (2, 4, 8, 32, 64))[:h, :w] + 0.3 * rng.standard_normal((h, w))
    level = np.quantile(noise, 1.0 - min(cover, 0.999))
    mask = 1.0 / (1.0 + np.exp(-(noise - level) * 3.5))
    out = image.astype(np.float64)
    if decal:
        out[..., 3] *= 1.0 - 0.92 * mask
        return np.asarray(out, dtype=np.uint8)
    white = bgr255((0.88, 0.90, 0.94)) * (0.94 + 0.04 * np.clip(noise, -1, 1))[..., None]
    out[..., :3] += (white - out[..., :3]) * (0.95 * mask)[..., None]
    return np.asarray(np.clip(out, 0, 255), dtype=np.uint8)

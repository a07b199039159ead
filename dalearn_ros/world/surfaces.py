"""Registers all pictures of a city, and the sky around it."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from dalearn_ros.world import shadows, textures
from dalearn_ros.world.markings import SIZES, decal
from dalearn_ros.world.materials import DIFFUSE, EMISSIVE, GROUND, RETRO, Image, with_code
from dalearn_ros.world.mesh import Light, Mesh
from dalearn_ros.world.scene import Scene, Texture
from dalearn_ros.world.signs import SignFace


def register(scene: Scene, signs: list[SignFace], seed: int) -> None:
    """Draw and register every texture of the scene."""
    city = scene.city
    rng = np.random.default_rng(seed)
    add = scene.textures
    road = city.asphalt
    wear = city.paint_wear * float(rng.uniform(0.6, 1.3))
    add["asphalt"] = Texture(textures.asphalt(rng, city))
    add["paint_white"] = Texture(textures.paint(rng, (0.93, 0.93, 0.92), road, wear))
    add["paint_yellow"] = Texture(textures.paint(rng, (0.93, 0.70, 0.12), road, wear))
    add["kerb"] = Texture(textures.surface(rng, (0.62, 0.61, 0.59), 0.06, GROUND, 128))
    add["paving"] = Texture(textures.paving(rng, city.pavement, 4))
    add["grass"] = Texture(textures.surface(rng, city.grass, 0.16, GROUND, 256))
    share = {"night": 0.4, "dusk": 0.35}.get(scene.condition, 0.0)
    for i, colour in enumerate(city.facades):
        add[f"facade{i}"] = Texture(textures.facade(rng, colour, share))
    for i in range(5):
        base = city.facades[i % len(city.facades)]
        add[f"shop{i}"] = Texture(textures.shop(rng, base, scene.dark))
        add[f"poster{i}"] = Texture(poster(rng), repeat=False)
    add["poster5"] = Texture(poster(rng), repeat=False)
    for i in range(3):
        add[f"leaves{i}"] = Texture(textures.leaves(rng, city.tree), "cutout", False)
    green = (city.tree[0] * 0.8, city.tree[1] * 0.8, city.tree[2] * 0.8)
    add["hedge"] = Texture(textures.hedge(rng, green))
    add["bark"] = Texture(textures.surface(rng, (0.36, 0.29, 0.23), 0.2, DIFFUSE, 64))
    add["roof"] = Texture(textures.surface(rng, (0.95, 0.95, 0.95), 0.1, DIFFUSE, 128))
    add["plain"] = Texture(with_code(np.full((4, 4, 3), 255.0), DIFFUSE))
    add["lamp_on"] = Texture(with_code(np.full((4, 4, 3), 255.0), EMISSIVE))
    shadow = np.zeros((4, 4, 4), dtype=np.uint8)
    shadow[..., 3] = 150
    add["shadow"] = Texture(shadow, "decal", False)
    for name in SIZES:
        add[name] = Texture(decal(rng, name, (0.93, 0.93, 0.92), wear), "decal", False)
    for state in textures.SIGNAL_STATES:
        lamps = 4 if city.signal_horizontal else 3
        picture = textures.signal(state, city.signal_horizontal, city.signal_body, lamps)
        add[f"signal_{state}"] = Texture(picture, repeat=False)
    wall, crown = shadows.pictures(scene, add["leaves0"].image)
    add["cast_wall"] = Texture(wall, "shade", False)
    add["cast_crown"] = Texture(crown, "shade", False)
    if scene.weather.snow > 0:
        _snow(scene, rng)
    for face in signs:
        image = face.image()
        add[face.name] = Texture(image, "cutout", False)
        add[face.name + "_back"] = Texture(_back(image), "cutout", False)


def _snow(scene: Scene, rng: np.random.Generator) -> None:
    """Snow lies on what is level: thinly on the road, thickly beside it and on the roofs."""
    cover = scene.weather.snow
    shares = {"asphalt": 0.75, "paint_white": 0.55, "paint_yellow": 0.55, "paving": 1.15}
    shares |= {"grass": 1.6, "kerb": 0.9, "roof": 1.6, "hedge": 0.5}
    shares |= dict.fromkeys(SIZES, 0.55)
    for name, share in shares.items():
        old = scene.textures[name]
        image = textures.snowed(rng, old.image, min(cover * share, 0.98), old.mode == "decal")
        scene.textures[name] = Texture(image, old.mode, old.repeat)
    for i in range(3):
        old = scene.textures[f"leaves{i}"]
        image = old.image.copy()
        image[..., :3] = textures.snowed(rng, image, 0.6 * cover)[..., :3]
        scene.textures[f"leaves{i}"] = Texture(image, old.mode, old.repeat)


def _back(image: Image) -> Image:
    small = cv2.resize(image[..., 3], (64, 64), interpolation=cv2.INTER_AREA)
    back = with_code(np.full((64, 64, 3), 235.0), DIFFUSE)
    back[..., 3] = np.where(small > RETRO // 2, DIFFUSE, 0)
    return np.ascontiguousarray(back[:, ::-1])


def poster(rng: np.random.Generator) -> Image:
    """An advertisement: colours, discs and a word."""
    image = np.zeros((256, 256, 3), dtype=np.uint8)
    image[:] = rng.integers(30, 255, 3)
    for _ in range(6):
        at = tuple(int(v) for v in rng.integers(0, 256, 2))
        colour = tuple(int(v) for v in rng.integers(0, 255, 3))
        if rng.random() < 0.5:
            cv2.circle(image, at, int(rng.integers(15, 90)), colour, -1, cv2.LINE_AA)
        else:
            end = tuple(int(v) for v in rng.integers(0, 256, 2))
            cv2.rectangle(image, at, end, colour, -1)
    word = "".join(rng.choice(list("AEIOULMNRST"), 5))
    cv2.putText(
        image, word, (20, 150), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (250, 250, 250), 7, cv2.LINE_AA
    )
    return with_code(image, DIFFUSE)


def sky_mesh(scene: Scene) -> Mesh:
    """A dome of 20 x 4 quads around the camera; registers its picture."""
    rng, weather = scene.rng, scene.weather
    top, low, cloud = (c[::-1] for c in (weather.sky_top, weather.sky_low, weather.cloud))
    picture = textures.sky(rng, top, low, cloud, weather.cover)
    scene.textures["sky"] = Texture(picture)
    mesh = Mesh(Light(np.zeros(3), np.zeros(3), np.ones(3)))
    bearings = np.linspace(0, 2 * np.pi, 21)
    heights = np.radians([-12.0, 0.0, 12.0, 30.0, 60.0, 89.0])
    corners, uv = [], []
    for b0, b1 in pairwise(bearings):
        for h0, h1 in pairwise(heights):
            ring = [(b1, h0), (b0, h0), (b0, h1), (b1, h1)]
            corners.append(
                [
                    [100 * np.cos(b) * np.cos(h), 100 * np.sin(b) * np.cos(h), 100 * np.sin(h)]
                    for b, h in ring
                ]
            )
            uv.append(
                [[2 * b / (2 * np.pi), min(max(h / (np.pi / 2), 0.004), 0.99)] for b, h in ring]
            )
    mesh.add("sky", np.array(corners), np.array(uv), lit=False)
    return mesh

"""Builds a city around a planned drive."""

from __future__ import annotations

from dalearn_ros.core.randomness import generator
from dalearn_ros.world import vehicles
from dalearn_ros.world.junctions import build_junction
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.plan import Plan
from dalearn_ros.world.roads import cross_road
from dalearn_ros.world.roadside import build_roadside
from dalearn_ros.world.scene import Scene
from dalearn_ros.world.signs import faces
from dalearn_ros.world.site import CROSS_REACH_M, SignDeck, Site
from dalearn_ros.world.streets import build_streets
from dalearn_ros.world.style import City
from dalearn_ros.world.surfaces import register, sky_mesh
from dalearn_ros.world.traffic import build_traffic
from dalearn_ros.world.weather import weather_of


def build_city(
    city: City, condition: str, seed: int, plan: Plan, pictures: bool = True
) -> tuple[Scene, Mesh | None]:
    """A city around a drive, and its sky.

    Args:
        pictures: False leaves out all textures and the sky: only the layout and the map.
    """
    rng = generator(seed, "city", city.name)
    scene = Scene(city, condition, weather_of(city, condition, seed, plan), rng)
    signs = faces(city.country)
    texture_seed = int(rng.integers(0, 2**32))
    if pictures:
        register(scene, signs, texture_seed)
        vehicles.textures(scene)
    site = Site(scene, plan, SignDeck(rng, signs))
    for s in plan.junctions:
        lanes = int(rng.choice([1, 1, 2]))
        site.crossings.append(cross_road(plan.road, float(s), city, lanes, CROSS_REACH_M))
    build_streets(site)
    for index in range(len(plan.junctions)):
        build_junction(site, index)
    build_roadside(site)
    build_traffic(site)
    return scene, sky_mesh(scene) if pictures else None

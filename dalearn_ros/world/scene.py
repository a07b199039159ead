"""A city before it is drawn: meshes by tile, textures, mapped things, and what moves or changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dalearn_ros.world.landmarks import Inventory
from dalearn_ros.world.materials import Image
from dalearn_ros.world.mesh import Light, Mesh
from dalearn_ros.world.style import City
from dalearn_ros.world.weather import Weather

Array = npt.NDArray[np.float64]
TILE_M = 50.0


@dataclass(frozen=True)
class Texture:
    """A picture and how it is drawn (see :meth:`Renderer.texture`)."""

    image: Image
    mode: str = "opaque"
    repeat: bool = True


@dataclass(frozen=True)
class Mover:
    """A vehicle: its mesh about its own origin and where it is at a time in seconds."""

    mesh: Mesh
    world_from_object: Callable[[float], Array]


@dataclass(frozen=True)
class SignalGroup:
    """Traffic lights that change together.

    ``state`` gives ``red``, ``amber`` or ``green`` at a time in seconds.
    """

    mesh: Mesh
    state: Callable[[float], str]
    texture_of: dict[str, str]


@dataclass
class Scene:
    """Everything that the builders put together."""

    city: City
    condition: str
    weather: Weather
    rng: np.random.Generator
    textures: dict[str, Texture] = field(default_factory=dict)
    tiles: dict[int, Mesh] = field(default_factory=dict)
    side_streets: list[tuple[float, Mesh]] = field(default_factory=list)
    inventory: Inventory = field(default_factory=Inventory)
    movers: list[Mover] = field(default_factory=list)
    signals: list[SignalGroup] = field(default_factory=list)
    lamps: list[Array] = field(default_factory=list)

    @property
    def light(self) -> Light:
        """The light that is baked in."""
        return self.weather.light

    def tile(self, s: float) -> Mesh:
        """The mesh of the stretch of the main road at ``s`` metres."""
        key = int(np.floor(s / TILE_M))
        if key not in self.tiles:
            self.tiles[key] = Mesh(self.light)
        return self.tiles[key]

    @property
    def dark(self) -> bool:
        """Whether lamps and windows are lit."""
        return self.condition in ("night", "dusk")

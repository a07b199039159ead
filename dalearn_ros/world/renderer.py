"""Rasteriser: Panda3D's software renderer (no GPU, no window) behind a small interface.

It draws colour, a material code (in the alpha channel) and depth. The library has no call that
gives the depth of its software renderer, so the two buffers are read where they lie in memory; the
place is found once by looking for the record that describes them, and checked.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DalearnError
from dalearn_ros.geometry.transforms import Transform

Array = npt.NDArray[np.float64]
NEAR_M, FAR_M = 0.5, 900.0
SETTINGS = """
load-display p3tinydisplay
aux-display p3tinydisplay
window-type offscreen
audio-library-name null
notify-level-display fatal
notify-level fatal
textures-power-2 none
max-texture-dimension 4096
"""
MODES = ("opaque", "cutout", "decal", "shade")


class Renderer:
    """One off-screen image of ``width`` x ``height`` pixels.

    Raises:
        DalearnError: Panda3D is missing or its software renderer is not as expected.
    """

    def __init__(self, width: int, height: int, focal_px: float) -> None:
        try:
            from panda3d import core
        except ImportError as error:
            raise DalearnError(
                f"panda3d cannot be imported ({error}); install the extra [world]."
            ) from error
        self._core: Any = core
        self.width, self.height, self.focal_px = width, height, focal_px
        core.loadPrcFileData("", SETTINGS)
        self._engine = core.GraphicsEngine()
        self._buffer = self._make_buffer()
        self._root = core.NodePath("world")
        lens = core.PerspectiveLens()
        lens.setNearFar(NEAR_M, FAR_M)
        lens.setFilmSize(width, height)
        lens.setFocalLength(focal_px)
        node = core.Camera("camera", lens)
        self._camera = self._root.attachNewNode(node)
        region = self._buffer.makeDisplayRegion()
        region.setCamera(self._camera)
        self._textures: dict[str, tuple[Any, str]] = {}
        self._engine.renderFrame()
        self._colour, self._z = self._find_buffers()
        scale = float(1 << 20) / 2.0
        self._z_of_inverse = scale * 2.0 * FAR_M * NEAR_M / (FAR_M - NEAR_M)
        self._z_offset = scale * (1.0 - (FAR_M + NEAR_M) / (FAR_M - NEAR_M))

    def texture(
        self, name: str, bgra: npt.NDArray[np.uint8], mode: str = "opaque", repeat: bool = True
    ) -> None:
        """Register a texture (H, W, 4) uint8, sides powers of two, by its name.

        ``mode`` is one of :data:`MODES`: the alpha channel of an opaque or cutout texture is the
        material code (0 = hole of a cutout); that of a decal is its opacity;
        a shade is a decal that is drawn after the others.
        """
        core = self._core
        h, w = bgra.shape[:2]
        texture = core.Texture(name)
        texture.setup2dTexture(w, h, core.Texture.TUnsignedByte, core.Texture.FRgba)
        texture.setRamImage(np.ascontiguousarray(bgra[::-1]).tobytes())
        texture.setMinfilter(core.SamplerState.FT_linear_mipmap_nearest)
        texture.setMagfilter(core.SamplerState.FT_linear)
        wrap = core.SamplerState.WM_repeat if repeat else core.SamplerState.WM_clamp
        texture.setWrapU(wrap)
        texture.setWrapV(wrap)
        self._textures[name] = (texture, mode)

    def object(self, arrays: Mapping[str, npt.NDArray[np.void]], fixed: bool = True) -> Any:
        """Add vertices (records of :data:`mesh.VERTEX`, four a quad) and return the node."""
        core = self._core
        parent = self._root.attachNewNode("object")
        for name in sorted(arrays, key=lambda n: (MODES.index(self._textures[n][1]), n)):
            texture, mode = self._textures[name]
            path = parent.attachNewNode(self._geometry(name, arrays[name]))
            path.setTexture(texture)
            # Fixed bins: drawn in the order of the scene, never by where a state lies in memory.
            path.setBin("fixed", 10 * MODES.index(mode))
            if mode == "cutout":
                path.setAttrib(core.AlphaTestAttrib.make(core.RenderAttrib.M_greater, 0.19))
            if mode in ("decal", "shade"):
                path.setTransparency(core.TransparencyAttrib.M_alpha)
                path.setDepthWrite(False)
        return parent

    def background(self, node: Any) -> None:
        """Draw an object first, around the camera, without depth: the sky."""
        for child in node.getChildren():
            child.setBin("background", 0)
        node.setDepthWrite(False)
        node.setDepthTest(False)
        node.reparentTo(self._camera)
        node.setCompass(self._root)

    def retexture(self, node: Any, name: str) -> None:
        """Give the whole object another registered texture (a signal that changes)."""
        for child in node.getChildren():
            child.setTexture(self._textures[name][0], 1)

    def place(self, node: Any, world_from_object: Array) -> None:
        """Move an object; (4, 4)."""
        node.setMat(self._core.LMatrix4f(*np.asarray(world_from_object).T.ravel().tolist()))

    def show(self, node: Any, visible: bool) -> None:
        """Draw an object or leave it out."""
        if visible:
            node.show()
        else:
            node.hide()

    def render(self, world_from_camera: Transform) -> tuple[npt.NDArray[np.uint8], Any]:
        """Draw from an optical frame (x right, y down, z forward).

        Returns:
            Colour and material code (H, W, 4) uint8 BGRA, and inverse depth (H, W) uint32 that
            :meth:`depth` turns into metres: both are views that the next call overwrites.
        """
        r = world_from_camera.rotation
        axes = np.eye(4)
        axes[:3, 0], axes[:3, 1], axes[:3, 2] = r[:, 0], r[:, 2], -r[:, 1]
        axes[:3, 3] = world_from_camera.translation
        self.place(self._camera, axes)
        self._engine.renderFrame()
        return self._colour, self._z

    def depth(self, z: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
        """Metres along the optical axis, +inf where nothing was drawn."""
        with np.errstate(divide="ignore"):
            depth = np.float32(self._z_of_inverse) / (
                z.astype(np.float32) - np.float32(self._z_offset)
            )
        depth[z == 0] = np.inf
        return np.asarray(depth, dtype=np.float32)

    def close(self) -> None:
        """Free the window and its memory."""
        self._engine.removeAllWindows()

    def _make_buffer(self) -> Any:
        core = self._core
        pipes = core.GraphicsPipeSelection.getGlobalPtr()
        pipes.loadAuxModules()
        kinds = [pipes.getPipeType(i) for i in range(pipes.getNumPipeTypes())]
        found = [kind for kind in kinds if "TinyOffscreen" in str(kind)]
        if not found:
            raise DalearnError("panda3d has no software renderer (p3tinydisplay) here.")
        wanted = core.FrameBufferProperties()
        wanted.setRgbaBits(8, 8, 8, 8)
        wanted.setDepthBits(24)
        size = core.WindowProperties.size(self.width, self.height)
        buffer = self._engine.makeOutput(
            pipes.makePipe(found[0]), "camera", 0, wanted, size, core.GraphicsPipe.BFRefuseWindow
        )
        if buffer is None:
            raise DalearnError("panda3d's software renderer cannot make an off-screen image.")
        buffer.setClearColor((0.5, 0.5, 0.5, 144 / 255))
        buffer.setClearColorActive(True)
        return buffer

    def _find_buffers(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        """Views on the frame buffer's colour and depth.

        The record holds width, height, bytes a row, and the addresses of depth and colour.
        """
        w, h = self.width, self.height
        memory = os.open("/proc/self/mem", os.O_RDONLY)
        try:
            words = struct.unpack("<512Q", os.pread(memory, 4096, self._buffer.this))
            for address in words:
                try:
                    head = os.pread(memory, 32, address)
                    columns, rows, pitch, _, z, colour = struct.unpack("<iiiiQQ", head)
                    if (columns, rows, pitch) != (w, h, 4 * w):
                        continue
                    os.pread(memory, 16, z), os.pread(memory, 16, colour)
                except (OSError, OverflowError, struct.error):
                    continue
                as_bytes = ctypes.cast(colour, ctypes.POINTER(ctypes.c_uint8))
                as_words = ctypes.cast(z, ctypes.POINTER(ctypes.c_uint32))
                return (
                    np.ctypeslib.as_array(as_bytes, (h, w, 4)),
                    np.ctypeslib.as_array(as_words, (h, w)),
                )
        finally:
            os.close(memory)
        raise DalearnError(
            "panda3d's software renderer keeps its image elsewhere than expected; "
            "version 1.10.x is needed."
        )

    def _geometry(self, name: str, vertices: npt.NDArray[np.void]) -> Any:
        core = self._core
        data = core.GeomVertexData(name, core.GeomVertexFormat.getV3c4t2(), core.Geom.UHStatic)
        data.uncleanSetNumRows(len(vertices))
        data.modifyArrayHandle(0).copyDataFrom(vertices.tobytes())
        triangles = core.GeomTriangles(core.Geom.UHStatic)
        triangles.setIndexType(core.Geom.NTUint32)
        first = np.arange(len(vertices) // 4, dtype="<u4")[:, None] * 4
        index = (first + np.array([0, 1, 2, 0, 2, 3], dtype="<u4")).ravel()
        array = triangles.modifyVertices()
        array.uncleanSetNumRows(len(index))
        array.modifyHandle().copyDataFrom(index.tobytes())
        geometry = core.Geom(data)
        geometry.addPrimitive(triangles)
        node = core.GeomNode(name)
        node.addGeom(geometry)
        return node

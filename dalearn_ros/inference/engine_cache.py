"""Engines on disk, each with a sidecar that says for what it was built.

An engine works with the TensorRT version and the GPU that built it only. Its file is named by a
digest of everything that it depends on, and the sidecar repeats that in words, so that a mismatch
can be named. There are no locks: files are renamed into place, and two builders at once write the
same thing twice.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import atomic_file, write_json

FORMAT = 1
_ENGINE, _SIDECAR = ".engine", ".json"


class EngineRefused(ModelError):
    """No engine that can be used; the sentence says why."""


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on.

    Attributes:
        model_sha256: Of the ONNX file.
        runtime: Package and version, such as ``tensorrt 10.3.0``.
        gpu: Name of the GPU.
        compute_capability: Of the GPU.
        profiles: Sizes of the input.
        workspace_mib: Memory that a layer may use.
        timing_cache: Whether the build used one.
    """

    model_sha256: str
    runtime: str
    gpu: str
    compute_capability: str
    profiles: tuple[str, ...]
    workspace_mib: int
    timing_cache: bool

    def to_dict(self) -> dict[str, Any]:
        """The key as JSON values."""
        return {**dataclasses.asdict(self), "profiles": list(self.profiles)}

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that stand for the key."""
        text = json.dumps([FORMAT, self.to_dict()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """What another key has else, such as ``gpu 'Orin' instead of 'Thor'``."""
        wanted = self.to_dict()
        return [
            f"{name} {_short(stored.get(name))} instead of {_short(value)}"
            for name, value in wanted.items()
            if stored.get(name) != value
        ]


class EngineCache:
    """A folder of engines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, stem: str, key: EngineKey) -> Path:
        """Where the engine of a model stands or would stand."""
        return self.folder / f"{stem}-{key.digest}{_ENGINE}"

    def find(self, stem: str, key: EngineKey) -> tuple[Path, bytes, dict[str, Any]]:
        """Read the engine for a key.

        Args:
            stem: Name of the model file without its suffix.
            key: What the engine must have been built for.

        Returns:
            The file, its bytes and its sidecar's ``report``.

        Raises:
            EngineRefused: There is none, its sidecar is missing or damaged or names another key,
                or the file is truncated or changed.
        """
        path = self.path(stem, key)
        try:
            plan = path.read_bytes()
        except OSError:
            raise EngineRefused(self._none(stem, key)) from None
        sidecar = _read_sidecar(path)
        differing = key.differences(sidecar["key"])
        if differing:
            raise EngineRefused(f"{path}: is for another machine or model: {_list(differing)}.")
        if len(plan) != sidecar["bytes"]:
            expected = f"{sidecar['bytes']} bytes"
            raise EngineRefused.at(path, "", expected, f"{len(plan)}; it is truncated")
        if hashlib.sha256(plan).hexdigest() != sidecar["sha256"]:
            raise EngineRefused.at(path, "", "the bytes that were built", "others; it is damaged")
        return path, plan, dict(sidecar["report"])

    def store(self, stem: str, key: EngineKey, plan: bytes, report: Mapping[str, Any]) -> Path:
        """Keep an engine, whole or not at all.

        Args:
            stem: Name of the model file without its suffix.
            key: What it was built for.
            plan: The serialized engine.
            report: What is known of it, JSON values.

        Raises:
            InputError: The folder cannot be written.
        """
        path = self.path(stem, key)
        self._sweep(path.stem)
        with atomic_file(path) as temporary:
            temporary.write_bytes(plan)
        content = {
            "format": FORMAT,
            "key": key.to_dict(),
            "bytes": len(plan),
            "sha256": hashlib.sha256(plan).hexdigest(),
            "report": dict(report),
        }
        write_json(path.with_suffix(_SIDECAR), content)
        return path

    def read_timing(self, key: EngineKey) -> bytes:
        """What earlier builds measured with this TensorRT on this GPU; empty if nothing."""
        try:
            return self._timing(key).read_bytes()
        except OSError:
            return b""

    def store_timing(self, key: EngineKey, timing: bytes) -> None:
        """Keep what a build measured."""
        with atomic_file(self._timing(key)) as temporary:
            temporary.write_bytes(timing)

    def _timing(self, key: EngineKey) -> Path:
        text = f"{key.runtime}|{key.gpu}|{key.compute_capability}"
        return self.folder / f"timing-{hashlib.sha256(text.encode()).hexdigest()[:16]}.cache"

    def _none(self, stem: str, key: EngineKey) -> str:
        """Why there is no engine: the nearest of the same model name tells what differs."""
        nearest: tuple[Path, list[str]] | None = None
        for path in sorted(self.folder.glob(f"{glob.escape(stem)}-*{_ENGINE}")):
            with contextlib.suppress(EngineRefused):
                differing = key.differences(_read_sidecar(path)["key"])
                if nearest is None or len(differing) < len(nearest[1]):
                    nearest = path, differing
        if nearest is None:
            return f"{self.folder}: holds no engine of a model '{stem}'."
        return f"{nearest[0]}: was built with {_list(nearest[1])}."

    def _sweep(self, stem: str) -> None:
        """Remove what a builder that was killed while it wrote has left."""
        for part in self.folder.glob(f".{glob.escape(stem)}.*.part.*"):
            owner = part.name.split(".part")[0].rpartition(".")[2]
            if not (owner.isdigit() and _runs(int(owner))):
                part.unlink(missing_ok=True)


def _read_sidecar(engine: Path) -> dict[str, Any]:
    path = engine.with_suffix(_SIDECAR)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kinds = {"format": int, "key": dict, "bytes": int, "sha256": str, "report": dict}
        whole = all(isinstance(content[name], kind) for name, kind in kinds.items())
    except FileNotFoundError:
        raise EngineRefused(
            f"{engine}: its sidecar {path.name} is missing, so nothing says for what it was built."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole or content["format"] != FORMAT:
        raise EngineRefused(f"{path}: is no sidecar of format {FORMAT}; it is damaged or newer.")
    return dict(content)


def _list(differing: list[str]) -> str:
    return "; ".join(differing)


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    text = str(value)
    return f"'{text[:12]}…'" if len(text) == 64 else f"'{text}'"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

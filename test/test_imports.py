"""Who may import whom (docs/architecture.md), read from the sources without running them."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "dalearn_ros"
# From the ground up: a room imports rooms before it only.
ORDER = [
    *("core", "geometry", "landmarks", "coding", "maps", "bags", "labels", "datasets", "world"),
    *("inference", "localization", "evaluation", "training", "detector", "export", "nodes", "cli"),
]
LEARNING = {"training", "detector", "export"}
LEARNING_VERBS = {"dalearn_ros.cli.train", "dalearn_ros.cli.export"}
TORCH = {"torch", "torchvision", "safetensors", "tensorboard", "onnxscript"}
ROS = {
    *("rclpy", "rcl_interfaces", "rosidl_runtime_py", "builtin_interfaces", "std_msgs", "std_srvs"),
    *("sensor_msgs", "geometry_msgs", "nav_msgs", "visualization_msgs", "diagnostic_msgs"),
    *("vision_msgs", "tf2_msgs", "tf2_ros", "lifecycle_msgs", "rosgraph_msgs", "cv_bridge"),
    *("launch", "launch_ros", "ament_index_python"),
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@functools.cache
def imports_of(module: str, top_only: bool = False) -> frozenset[str]:
    """Full names that a module imports, inside functions too unless ``top_only``."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    found: set[str] = set()
    nodes = _outside_functions(tree) if top_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import; write the full name"
            base = node.module or ""
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else base for name in names}
    return frozenset(found)


def _outside_functions(tree: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found += [node, *_outside_functions(node)]
    return found


@functools.cache
def reach_of(module: str, top_only: bool) -> frozenset[str]:
    """Everything that importing a module imports, of ours and of others."""
    seen: set[str] = set()
    queue = [module]
    while queue:
        for name in imports_of(queue.pop(), top_only) - seen:
            seen.add(name)
            if name in MODULES:
                queue.append(name)
    return frozenset(seen)


def tops(names: frozenset[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_every_room_is_in_the_order() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert rooms <= set(ORDER)
    assert {"core", "geometry", "landmarks", "nodes", "cli"} <= rooms


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_rooms_above_it_only(module: str) -> None:
    room = room_of(module)
    allowed = set(ORDER[: ORDER.index(room) + 1]) if room else set()
    for name in imports_of(module):
        if name.startswith("dalearn_ros.") and room_of(name) != room:
            assert room_of(name) in allowed, f"{module} ({room}) imports {name}"


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) != "nodes"])
def test_only_nodes_import_ros(module: str) -> None:
    assert not tops(imports_of(module)) & ROS
    if room_of(module) == "cli":  # verbs that use ROS start the nodes as processes
        return
    assert not tops(reach_of(module, top_only=False)) & ROS


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) not in LEARNING])
def test_torch_stays_in_the_learning_rooms(module: str) -> None:
    assert not tops(imports_of(module)) & TORCH
    if module not in LEARNING_VERBS:
        found = reach_of(module, top_only=room_of(module) == "cli")
        assert not tops(found) & TORCH, f"{module} imports torch by way of another module"


@pytest.mark.parametrize("module", MODULES)
def test_tensorrt_stays_in_its_file(module: str) -> None:
    if module != "dalearn_ros.inference.tensorrt":
        assert not tops(imports_of(module)) & {"tensorrt", "tensorrt_rtx", "cuda"}


@pytest.mark.parametrize("module", MODULES)
def test_no_circle(module: str) -> None:
    assert module not in reach_of(module, top_only=False), f"{module} imports itself in a circle"


def test_the_vehicle_and_the_demo_run_without_torch() -> None:
    """With torch made unimportable, everything but the learning rooms can still be imported."""
    wanted = [m for m in MODULES if room_of(m) not in LEARNING and m not in LEARNING_VERBS]
    program = f"""
import importlib, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(TORCH)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
for name in {wanted!r}:
    importlib.import_module(name)
assert "torch" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr

"""Who may import whom (docs/architecture.md), read from the sources without running them."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "dalearn_ros"
# From the ground up: a room imports rooms before it only.
ORDER = [
    *("core", "geometry", "landmarks", "coding", "maps", "bags", "labels", "datasets", "world"),
    *("inference", "localization", "evaluation", "fleet", "training", "detector"),
    "classification",
    *("adaptation", "depth", "hard_examples", "attention", "export", "recipe", "nodes"),
    "cli",
]
LEARNING = {
    *("training", "detector", "classification", "adaptation", "depth", "hard_examples"),
    *("attention", "export", "recipe"),
}
LEARNING_VERBS = {
    f"dalearn_ros.cli.{verb}"
    for verb in (
        *("train", "adapt", "adapt_detection", "distill", "harden", "export"),
        *("retrain_attention", "edit_attention", "learn"),
    )
}
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
    nodes = _running(tree, not top_only)
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import; write the full name"
            base = node.module or ""
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else base for name in names}
    return frozenset(found)


def _running(tree: ast.AST, functions: bool) -> list[ast.AST]:
    """All parts of a tree, or those that run when the module is imported."""
    found: list[ast.AST] = []
    for node in ast.iter_child_nodes(tree):
        if functions or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found += [node, *_running(node, functions)]
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


def test_a_room_imports_rooms_above_it_only() -> None:
    wrong = []
    for module in MODULES:
        room = room_of(module)
        allowed = set(ORDER[: ORDER.index(room) + 1]) if room else set()
        for name in imports_of(module):
            if name.startswith("dalearn_ros.") and room_of(name) not in allowed:
                wrong.append(f"{module} imports {name}")
    assert not wrong


def test_only_nodes_import_ros() -> None:
    others = [m for m in MODULES if room_of(m) != "nodes"]
    assert not [m for m in others if tops(imports_of(m)) & ROS]
    # Verbs that use ROS start the nodes as processes; importing a verb must not import ROS.
    indirect = [m for m in others if tops(reach_of(m, top_only=room_of(m) == "cli")) & ROS]
    assert not indirect


def test_torch_stays_in_the_learning_rooms() -> None:
    others = [m for m in MODULES if room_of(m) not in LEARNING]
    assert not [m for m in others if tops(imports_of(m)) & TORCH]
    plain = [m for m in others if m not in LEARNING_VERBS]
    indirect = [m for m in plain if tops(reach_of(m, top_only=room_of(m) == "cli")) & TORCH]
    assert not indirect


def test_the_colour_store_needs_no_torch() -> None:
    assert not tops(reach_of("dalearn_ros.cli.conditions", top_only=False)) & TORCH


def test_tensorrt_stays_in_its_file() -> None:
    others = [m for m in MODULES if m != "dalearn_ros.inference.tensorrt"]
    assert not [m for m in others if tops(imports_of(m)) & {"tensorrt", "tensorrt_rtx", "cuda"}]


def test_no_circle() -> None:
    assert not [m for m in MODULES if m in reach_of(m, top_only=False)]


def test_the_vehicle_and_the_demo_run_without_torch() -> None:
    """With torch made unimportable, everything but the learning rooms can still be imported."""
    wanted = [m for m in MODULES if room_of(m) not in LEARNING and m not in LEARNING_VERBS]
    wanted.remove("dalearn_ros.nodes.launching")  # PyPI lacks launch, see test_launch.py
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

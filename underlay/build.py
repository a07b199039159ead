"""Build the message packages that PyPI lacks, for a machine without ROS 2.

The ROS 2 wheels on PyPI carry the message generators but neither ``vision_msgs`` nor ``tf2_msgs``.
Each folder of ``definitions/`` holds those of one package (the folder's name); this program turns
it into one Python extension inside the running environment. Names and types of the fields are
those of the real packages, so their type hashes are too and a real ROS 2 machine understands them.

What was built is kept in ``$XDG_CACHE_HOME/dalearn_ros/underlay`` under a hash of the definitions,
this program, Python, NumPy and the wheels. Where a ROS 2 installation brings a package of the name
already, that one is used and nothing is installed over it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DEFINITIONS = Path(__file__).resolve().parent / "definitions"
PREFIX = Path(sys.prefix)
PLATLIB = Path(sysconfig.get_path("platlib"))
# Package → packages that its definitions use.
PACKAGES = {
    "tf2_msgs": ("builtin_interfaces", "std_msgs", "geometry_msgs"),
    "vision_msgs": ("builtin_interfaces", "std_msgs", "geometry_msgs"),
}
SUPPORT = "rosidl_typesupport_fastrtps_c"
INDEX = Path("share/ament_index/resource_index")


def main() -> int:
    """Build or fetch from the cache what is missing, and say what was done."""
    for package in PACKAGES:
        print(f"{package}: {provide(package)}")
    return 0


def provide(package: str) -> str:
    """Make ``package`` importable in this environment.

    Returns:
        What was done, in words.
    """
    elsewhere = installed_elsewhere(package)
    if elsewhere:
        return f"the one of {elsewhere} is used"
    key = digest(package)
    mark = PLATLIB / package / ".digest"
    if mark.is_file() and mark.read_text() == key:
        return "is up to date"
    kept = cache_folder() / key
    built = not kept.is_dir()
    if built:
        with tempfile.TemporaryDirectory(dir=_made(cache_folder())) as temporary:
            tree = Path(temporary) / "tree"
            build(package, tree)
            (tree / "python" / package / ".digest").write_text(key)
            with contextlib.suppress(OSError):  # another process was faster
                tree.rename(kept)
    install(package, kept)
    return "built" if built else "taken from the cache"


def installed_elsewhere(package: str) -> Path | None:
    """Folder of a ``package`` that does not belong to this environment, such as a sourced ROS 2."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations)))
    return None if folder.parent == PLATLIB else folder


def digest(package: str) -> str:
    """Hash of all that the built package depends on."""
    state = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted((DEFINITIONS / package / "msg").glob("*.msg")):
        state.update(path.name.encode() + path.read_bytes())
    wheels = [
        f"{d.metadata['Name']}={d.version}"
        for d in importlib.metadata.distributions()
        if str(d.metadata["Name"]).startswith(("ros-rosidl", "ros-std-msgs", "ros-geometry-msgs"))
    ]
    state.update("\n".join([*sorted(wheels), importlib.metadata.version("numpy")]).encode())
    state.update(f"{package} {sys.version} {sysconfig.get_config_var('SOABI')}".encode())
    return f"{package}-{state.hexdigest()[:24]}"


def cache_folder() -> Path:
    """Where built packages are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dalearn_ros" / "underlay"


def install(package: str, tree: Path) -> None:
    """Copy a built tree into this environment, the old one out of the way first."""
    for source, target in (
        (tree / "python" / package, PLATLIB / package),
        (tree / "share" / package, PREFIX / "share" / package),
    ):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    messages = sorted(path.name for path in (DEFINITIONS / package / "msg").glob("*.msg"))
    interfaces = "\n".join(f"msg/{m}\nmsg/{Path(m).stem}.idl" for m in messages)
    for kind, text in (("packages", ""), ("rosidl_interfaces", interfaces)):
        (_made(PREFIX / INDEX / kind) / package).write_text(text)


def build(package: str, tree: Path) -> None:
    """Generate, compile and link ``package``.

    Args:
        package: One of :data:`PACKAGES`.
        tree: New folder; gets ``python/PACKAGE`` and ``share/PACKAGE``.

    Raises:
        subprocess.CalledProcessError: The compiler failed; its text is on standard error.
    """
    with tempfile.TemporaryDirectory() as temporary:
        sources = Path(temporary) / package
        sources.mkdir()
        generate(package, sources)
        objects = compile_all(sources)
        python = _made(tree / "python" / package)
        link(package, objects, python / f"{package}_s__rosidl_typesupport_c.so")
        (python / "__init__.py").touch()
        (python / "msg").mkdir()
        for path in (sources / "msg").glob("*.py"):
            shutil.copy(path, python / "msg")
        share = _made(tree / "share" / package / "msg")
        definitions = (DEFINITIONS / package / "msg").glob("*.msg")
        described = [*(sources / "msg").glob("*.idl"), *(sources / "msg").glob("*.json")]
        for path in [*definitions, *described]:
            shutil.copy(path, share)


def generate(package: str, folder: Path) -> None:
    """Write C, type support and Python sources of ``package`` into ``folder``."""
    os.environ["AMENT_PREFIX_PATH"] = str(PREFIX)  # the generators look for their templates there
    from rosidl_cli.command.translate.api import translate
    from rosidl_generator_c.cli import GenerateC
    from rosidl_generator_py.cli import GeneratePython
    from rosidl_typesupport_c.cli import GenerateCTypesupport
    from rosidl_typesupport_fastrtps_c.cli import GenerateFastRTPSCTypesupport

    definitions = sorted((DEFINITIONS / package / "msg").glob("*.msg"))
    used = [str(PREFIX / "share" / name) for name in PACKAGES[package]]
    # With exactly one type support named, its dispatch is linked in: no search at run time.
    one, python = [SUPPORT], ["rosidl_typesupport_c"]
    generators = (
        GenerateC("c"),
        GenerateFastRTPSCTypesupport("fastrtps_c"),
        GenerateCTypesupport("typesupport_c", typesupport_implementations=one),
        GeneratePython("py", typesupport_implementations=python),
    )
    quiet = io.StringIO()  # the wheels register each generator twice and say so every time
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        idl = translate(
            package_name=package,
            interface_files=[f"{DEFINITIONS / package}:msg/{path.name}" for path in definitions],
            include_paths=used,
            output_format="idl",
            output_path=folder,
        )
        for generator in generators:
            generator.generate(package, idl, used, output_path=folder)


def compile_all(folder: Path) -> list[str]:
    """Compile every C and C++ file under ``folder``; returns the object files."""
    import numpy

    includes = [
        folder.parent,
        sysconfig.get_path("include"),
        numpy.get_include(),
        PREFIX / "include",
        *sorted((PREFIX / "include").iterdir()),
    ]
    flags = ["-O1", "-fPIC", "-w", *(f"-I{path}" for path in includes), "-c"]

    def compile_one(source: Path) -> str:
        compiler = ["g++", "-std=c++17"] if source.suffix == ".cpp" else ["gcc", "-std=gnu11"]
        target = f"{source}.o"
        subprocess.run([*compiler, *flags, str(source), "-o", target], check=True)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, sorted(folder.rglob("*.c*"))))


def link(package: str, objects: list[str], target: Path) -> None:
    """Link one extension that finds its libraries beside this environment's others."""
    kinds = ("generator_c", "generator_py", "typesupport_c", "typesupport_fastrtps_c")
    libraries = [f"{name}__rosidl_{kind}" for name in PACKAGES[package] for kind in kinds]
    libraries += ["rosidl_runtime_c", SUPPORT, "rosidl_typesupport_fastrtps_cpp"]
    libraries += ["fastcdr", "rmw", "rcutils", "rcpputils"]
    subprocess.run(
        [
            *("g++", "-shared", "-s", "-o", str(target), *objects),
            *(f"-L{PREFIX}/lib", *(f"-l{name}" for name in libraries), "-Wl,--as-needed"),
            *("-Wl,-rpath,$ORIGIN/../../..", f"-Wl,-rpath-link,{PREFIX}/lib"),
        ],
        check=True,
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())

"""What colcon and ament_python need beyond setup.cfg: the files that go to share/."""

from pathlib import Path

from setuptools import setup

PACKAGE = "dalearn_ros"
ROOT = Path(__file__).parent


def shared_files() -> list[tuple[str, list[str]]]:
    """(folder under the prefix, files) for the index, package.xml and the package's own files."""
    share = f"share/{PACKAGE}"
    files = [
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (share, ["package.xml"]),
    ]
    for top in ("launch", "config", "models"):
        for folder in [ROOT / top, *sorted(p for p in (ROOT / top).rglob("*") if p.is_dir())]:
            names = sorted(str(p.relative_to(ROOT)) for p in folder.glob("*") if p.is_file())
            if names:
                files.append((f"{share}/{folder.relative_to(ROOT)}", names))
    return files


# In setup.cfg, python_requires becomes an object that colcon cannot read.
setup(data_files=shared_files(), python_requires=">=3.10")

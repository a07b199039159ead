"""From paths to a session of the editor."""

from __future__ import annotations

import os
from pathlib import Path

from dalearn_ros.attention.opening import open_viewer
from dalearn_ros.attention.pictures import open_pictures
from dalearn_ros.attention.session import Session
from dalearn_ros.attention.teacher_maps import TeacherMaps
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import InputError
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import read_run


def open_session(model: Path, data: Path, edits: Path) -> Session:
    """Open what the editor needs.

    Args:
        model: Run folder of a model with an attention branch.
        data: Dataset, folder of images, or image.
        edits: Folder of corrected maps; need not exist.

    Raises:
        ModelError: No such run, damaged, or without an attention branch.
        DatasetError: No images, or a dataset with other classes.
        InputError: The folder of maps cannot be written.
    """
    viewer = open_viewer(model)
    pictures = open_pictures(data, viewer.names, viewer.kind)
    _writable(edits)
    description = read_run(model) or {}
    branch = description.get("branch") or description["settings"]["branch"]
    about = {
        "run": str(model),
        "weights": sha256_of(model / WEIGHTS),
        "synthesis": branch["synthesis"],
    }
    return Session(viewer, pictures, TeacherMaps(edits), about)


def _writable(folder: Path) -> None:
    """Raise InputError if a folder that may not exist yet could not be written."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise InputError.at(folder, "", "a folder for the corrected maps", f"a file at {there}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot be written; choose another --out.")

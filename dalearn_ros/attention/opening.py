"""Open any run with an attention branch for viewing and editing."""

from __future__ import annotations

from pathlib import Path

from dalearn_ros.attention.classifier_run import REGRESSION, is_image_run, open_image_run
from dalearn_ros.attention.classifier_viewing import NO_BRANCH, ClassifierViewer, RegressorViewer
from dalearn_ros.attention.run import has_attention, open_landmark_run
from dalearn_ros.attention.viewing import LandmarkViewer, Viewer
from dalearn_ros.core.errors import ModelError
from dalearn_ros.detector.run import RUN_FORMAT
from dalearn_ros.training.run_folder import RUN_FILE, read_run


def open_viewer(path: Path) -> Viewer:
    """A landmark detector, classifier or regressor with an attention branch, by its run folder.

    Raises:
        ModelError: No run folder, not finished, damaged, or a network without a branch, whose
            answer no map changes (A12).
    """
    if is_image_run(path):
        run = open_image_run(path)
        return RegressorViewer(run) if run.make.task == REGRESSION else ClassifierViewer(run)
    if has_attention(path):
        return LandmarkViewer(open_landmark_run(path))
    description = read_run(path)
    if description is not None and description.get("format") == RUN_FORMAT:
        raise ModelError(f"{path}: {NO_BRANCH}")
    found = "none" if description is None else f"a {description.get('format')}"
    hint = "Give the --out of 'dalearn retrain-attention'."
    expected = f"a run with an attention branch ({RUN_FILE})"
    raise ModelError.at(path, "", expected, found, hint)

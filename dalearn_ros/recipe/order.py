"""The recipe as steps, in the order of the picture: what each depends on and is handed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets import store as dataset_format
from dalearn_ros.datasets.areas import FOLDER as AREAS_FOLDER
from dalearn_ros.datasets.distances import DISTANCES
from dalearn_ros.inference.detector import RUN_MODEL
from dalearn_ros.recipe import stages
from dalearn_ros.recipe.data import Data
from dalearn_ros.recipe.inputs import Inputs, identity_of_edits, read_of_model
from dalearn_ros.recipe.plan import Parts, Planner, Step, settings_parts
from dalearn_ros.recipe.settings import (
    LEARNING,
    STAGES,
    DriveSettings,
    RecipeSettings,
    datasets_of,
    drives_of,
    stage_of,
)
from dalearn_ros.recipe.stage_settings import SETTINGS
from dalearn_ros.training import checkpoint as checkpoint_format
from dalearn_ros.training import run_folder

VERSION = 1  # of what stands in keys
FORMATS = (VERSION, dataset_format.FORMAT_VERSION, run_folder.FORMAT_VERSION,
           checkpoint_format.FORMAT_VERSION)  # fmt: skip
BESIDE = {"harden": AREAS_FOLDER, "distill": DISTANCES}  # folders beside the labels
USED = {"adapt": ("train", "val", "few_shot", "target"), "distill": ("train", "val", "target")}
OFF = "left out by the settings"
PRETRAINED = "settings.network.backbone_weights"
T = TypeVar("T")


def steps_of(
    settings: RecipeSettings, out: Path, first: str = STAGES[0], last: str = STAGES[-1]
) -> list[Step]:
    """The recipe, each step with what a run would do with it.

    Args:
        settings: Of the recipe.
        out: Its folder.
        first: Stages before it are taken as they were left.
        last: Stages after it are left out.

    Raises:
        SettingsError: A stage's settings cannot be used.
        InputError: An input is not there, or a stage before ``first`` has no result.
    """
    return Recipe(settings, out.resolve(), first, last).steps()


class Recipe:
    """Adds one stage after the other.

    Takes the arguments of :func:`steps_of`; ``out`` is absolute.
    """

    def __init__(
        self,
        settings: RecipeSettings,
        out: Path,
        first: str = STAGES[0],
        last: str = STAGES[-1],
    ) -> None:
        self.settings = settings
        self.identity = Inputs()
        self.data = Data(self.settings, self.identity)
        self._where = out, first, last

    def steps(self) -> list[Step]:
        """All steps; asked again, what was made in the meantime counts, changed inputs do not.

        Raises:
            InputError: An input is not there or cannot be used, or a stage before the first one
                has no result.
        """
        self.planner = Planner(*self._where, self.identity)
        self.labelled: dict[str, Step] = {}
        self.handed = ""  # which step's checkpoint the next one gets; empty: the start
        for name in STAGES:
            stage = stage_of(self.settings, name)
            if stage is None:
                self.planner.skip(name, OFF)
            elif name == "label":
                self._label(stage)
            elif name in LEARNING:
                self._learn(name, stage)
            elif name == "export":
                self._export(stage)
            else:
                self._evaluate(stage)
        return self.planner.steps

    def _label(self, stage: Any) -> None:
        drives = drives_of(self.settings, ("train", "val", "few_shot"))
        areas, distances = self._beside()

        def lacks(found: Mapping[str, Any]) -> str:
            """Both change nothing of the labels, so that what was learnt from them stays."""
            if areas and not found["areas"] and used_by("harden"):
                return "index images are wanted now"
            few = distances not in ("none", found["distances"]) and used_by("distill")
            return f"distances ({distances}) are wanted now" if few else ""

        def used_by(name: str) -> bool:
            return self.planner.works("label") or self.planner.works(name)

        for name, drive in drives.items():

            def parts(drive: DriveSettings = drive) -> Parts:
                return {**self._common("label", stage), **self.data.drive(drive)}

            def work(out: Path, _: Path | None, drive: DriveSettings = drive) -> stages.Outcome:
                return stages.label(drive, stage, areas, distances, out)

            step = self.planner.add(f"label-{name}", "label", parts, work, about=name, lacks=lacks)
            self.labelled[name] = step
        if not drives:
            self.planner.skip("label", "no drive has use train, val or few_shot")

    def _beside(self) -> tuple[bool, str]:
        """Whether index images are wanted beside the labels, and which distances."""
        stage = stage_of(self.settings, "label")
        areas, distances = (True, "all") if stage is None else (stage.areas, stage.distances)
        if areas is None:
            areas = stage_of(self.settings, "harden") is not None
        if distances == "auto":
            distances = "all" if stage_of(self.settings, "distill") is not None else "none"
        return areas, distances

    def _learn(self, name: str, stage: Any) -> None:
        used = USED.get(name, ("train", "val"))

        def parts() -> Parts:
            found = {**self._common(name, stage), "option.seed": str(self.settings.seed)}
            for use in used:
                found.update(self._data(use))
            areas, distances = self._beside()
            if name == "distill":
                found["option.distances"] = distances
            if name == "harden":
                found["option.areas"] = str(areas)
                if (store := stages.store_of(stage)) is not None:
                    found["store"] = self.identity(store)
            if name == "retrain" and stage.edits is not None:
                found["edits"] = self.identity(stage.edits, identity_of_edits)
            if name in BESIDE:
                found.update(self.data.beside(BESIDE[name]))
            return {**found, **self._checkpoint()}

        does = getattr(stages, name)
        start = self.settings.start

        def work(out: Path, init: Path | None) -> stages.Outcome:
            material = self._material()
            if not material.data:
                raise InputError("no drive with 'use: train' could be labelled.")
            outcome: stages.Outcome = does(stage, material, init or start, out)
            return outcome

        step = self.planner.add(name, name, parts, work, hands=True)
        if not step.refused:
            self.handed = f"{step.name} {step.key}"

    def _export(self, stage: Any) -> None:
        def parts() -> Parts:
            found = {**self._common("export", stage), "option.precision": stage.precision}
            if stage.precision != "fp32":
                found.update({**self._data("train"), **self._data("val")})
            return {**found, **self._checkpoint()}

        def work(out: Path, init: Path | None) -> stages.Outcome:
            run = init or self.settings.start
            assert run is not None
            material = None if stage.precision == "fp32" else self._material()
            return stages.export(stage, material, run, out)

        self.exported = self.planner.add("export", "export", parts, work)

    def _evaluate(self, stage: Any) -> None:
        tests: dict[str, DriveSettings | Path] = {**drives_of(self.settings, ["test"])}
        tests.update(datasets_of(self.settings, "test"))
        for name, test in tests.items():
            self._evaluate_on(stage, name, test)
        if not tests:
            self.planner.skip("evaluate", "no drive or dataset has use test")

    def _evaluate_on(self, stage: Any, name: str, test: DriveSettings | Path) -> None:
        """Score the new model on one drive or dataset, and before it the one to compare with."""

        def parts(model: str) -> dict[str, str]:
            found = {**self._common("evaluate", stage), "model": model}
            found["option.match_px"] = str(stage.match_px)
            if isinstance(test, Path):
                return {**found, "dataset": self.data.dataset(test, "'evaluate'")}
            return {**found, **self.data.drive(test)}

        before: Step | None = None
        if stage.against is not None:

            def measure(out: Path, _: Path | None) -> stages.Outcome:
                return stages.evaluate(stage, test, stage.against, None, out)

            before = self.planner.add(
                f"against-{name}",
                "evaluate",
                lambda: parts(self.identity(read_of_model(stage.against))),
                measure,
                about=name,
            )
        model, other = self.exported, dict[str, str]()
        if before is not None and not before.left_out:
            other["against"] = before.key

        def work(out: Path, _: Path | None) -> stages.Outcome:
            compared = before.folder if before is not None and before.folder.is_dir() else None
            return stages.evaluate(stage, test, model.folder / RUN_MODEL, compared, out)

        self.planner.add(
            f"evaluate-{name}",
            "evaluate",
            lambda: {**parts(model.key), **other},
            work,
            about=name,
        )

    def _common(self, name: str, stage: Any) -> dict[str, str]:
        values = settings_parts(load_settings(SETTINGS[name], None, stage.settings))
        if PRETRAINED in values:  # its content counts, not its place
            values["backbone weights"] = self.identity(Path(values.pop(PRETRAINED)))
        return {"formats": ".".join(map(str, FORMATS)), **values}

    def _data(self, use: str) -> dict[str, str]:
        """Identity of all that is used so, by name; of bad drives, which are left out, none."""
        found = {}
        for name, drive in drives_of(self.settings, [use]).items():
            if use == "target":
                found.update({f"{use} {name} {k}": v for k, v in self.data.drive(drive).items()})
            elif not self.labelled[name].left_out:
                found[f"{use} data {name}"] = self.labelled[name].key
        for name, path in datasets_of(self.settings, use).items():
            reader = "" if use == "target" else self.data.reader_of(use)
            found[f"{use} data {name}"] = self.data.dataset(path, reader)
        return found

    def _checkpoint(self) -> dict[str, str]:
        start = self.settings.start
        if self.handed:
            return {"the checkpoint that is handed over": self.handed}
        return {} if start is None else {"start": self.identity(start)}

    def _material(self) -> stages.Material:
        """In the order of the names: that of the settings file is in no key."""

        def paths(use: str) -> list[Path]:
            drives = [self.labelled[name] for name in sorted(drives_of(self.settings, [use]))]
            labelled = [step.folder for step in drives if not step.left_out]
            return [*labelled, *_sorted(datasets_of(self.settings, use))]

        targets = _sorted(drives_of(self.settings, ["target"]))
        bags = [drive.bag for drive in targets if drive.bag is not None]
        return stages.Material(
            paths("train"),
            paths("val"),
            paths("few_shot"),
            [*bags, *_sorted(datasets_of(self.settings, "target"))],
            bags,
            next((drive.camera_topic for drive in targets), None),
            self.settings.seed,
        )


def _sorted(found: Mapping[str, T]) -> list[T]:
    return [found[name] for name in sorted(found)]

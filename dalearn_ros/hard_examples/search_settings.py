"""Settings of `dalearn harden`; ``config/harden.yaml`` shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dalearn_ros.core.errors import SettingsError, did_you_mean
from dalearn_ros.core.settings import field
from dalearn_ros.detector.settings import BatchSettings, TrainSettings
from dalearn_ros.hard_examples.colour_conversion import COLOURS
from dalearn_ros.hard_examples.filters import FILTERS
from dalearn_ros.hard_examples.neighbours import NeighbourSettings
from dalearn_ros.hard_examples.shapes import SHAPES
from dalearn_ros.training.settings import LoopSettings

CONVERSIONS = (COLOURS, *FILTERS, SHAPES)


@dataclass(frozen=True)
class AccuracySettings:
    """Recognition accuracy of one image (H5)."""

    measure: str = field(
        "confidence",
        "Mean confidence of the true objects, or the share of them that is recognised correctly.",
        choices=("confidence", "correct"),
    )
    tau_px: float = field(
        8.0, "An object's point may be off by so much.", unit="px", minimum=0.1, maximum=1000.0
    )


@dataclass(frozen=True)
class ConvertSettings:
    """How a source image is converted (H4)."""

    areas: tuple[str, ...] = field((), "Areas that are converted; empty: all.")
    whole: str = field(
        "rest",
        "The whole image's target: for the pixels of areas that are not converted by their own, "
        "never, or alone.",
        choices=("rest", "never", "alone"),
    )
    subsets: bool = field(False, "Each first conversion draws a subset of the areas.")
    soft_px: float = field(
        2.0, "Width of the borders between areas; 0: hard.", unit="px", minimum=0.0, maximum=100.0
    )


@dataclass(frozen=True)
class ConversionSettings:
    """Which conversions are searched with, and the others than colours (H9)."""

    use: tuple[str, ...] = field(
        (COLOURS,),
        f"Each first conversion is one of these, drawn evenly: {', '.join(CONVERSIONS)}.",
    )
    strength: float = field(
        0.5, "Share of the ranges of filters and shapes from which they are drawn, from no change "
        "on.", minimum=0.01, maximum=1.0,
    )  # fmt: skip
    near: float = field(
        2.0, "Filters and shapes: what is nearer than so many steps of their axes is near.",
        unit="steps", minimum=0.01, maximum=1000.0,
    )  # fmt: skip


@dataclass(frozen=True)
class SearchSettings:
    """Which conversions are tried, and when it ends (H6, H7, H11, H15)."""

    threshold: float = field(
        0.7, "Th1: a less accurately recognised image becomes learning data.", minimum=0.0,
        maximum=1.0,
    )  # fmt: skip
    failing_originals: str = field(
        "compare",
        "Images that the model fails on unconverted, too, say little of the conversion. compare: "
        "hard if the accuracy is below Th1 times the original's; skip: never; use: always.",
        choices=("compare", "skip", "use"),
    )
    condition: str = field("", "First parameters are of this condition, TIME/WEATHER; empty: any.")
    explore: bool = field(True, "Go on near what hurt; false: every parameter is drawn (H15).")
    by_cell: bool = field(True, "Near: same, neighbouring and associated cells of the table.")
    by_distance: bool = field(True, "Near: within the bounds of 'neighbours'.")
    generate: bool = field(True, "Make new parameters within the bounds where the store has none.")
    together: bool = field(
        False,
        "Near a conversion that hurt, all areas follow one target, that of the whole image's "
        "neighbour; false: each has a neighbour of its own (H13).",
    )
    branches: int = field(3, "Tries near each conversion that hurt.", minimum=1, maximum=1_000_000)
    fresh: float = field(
        0.2, "Share of tries that are drawn although there is something to explore.", minimum=0.0,
        maximum=1.0,
    )  # fmt: skip
    image: str = field(
        "next",
        "Which image is converted near a conversion that hurt: the next one, or the same again.",
        choices=("next", "same"),
    )
    outputs: int = field(
        200, "Budget: so many images become learning data.", minimum=1, maximum=1_000_000
    )
    tries: int = field(
        5000, "Budget: so many conversions are tried.", minimum=1, maximum=100_000_000
    )
    minutes: float | None = field(
        None,
        "Budget: time for the search; what is found then depends on the machine.",
        unit="min",
        minimum=0.001,
        maximum=100_000.0,
    )


@dataclass(frozen=True)
class UpdateSettings:
    """When and on what the model is trained (H8)."""

    every: int = field(
        1, "The model is trained after so many new images; 0: once, after all.", minimum=0,
        maximum=1_000_000,
    )  # fmt: skip
    newest: float = field(
        0.5,
        "Share of the hard crops that are of the images found since the last update; the others "
        "are of all hard images. 0: all alike, so of many images the last are hardly learnt from.",
        minimum=0.0,
        maximum=0.9,
    )
    replay: float = field(
        0.5, "Share of a step's crops that are of earlier data.", minimum=0.0, maximum=0.99
    )
    replayed: str = field(
        "all",
        "Which earlier images: all of --data, the originals of the hard ones, or 'replay_images' "
        "of --data.",
        choices=("all", "sources", "some"),
    )
    replay_images: int = field(
        200, "For 'some': so many, drawn once.", minimum=1, maximum=10_000_000
    )


@dataclass(frozen=True)
class HardenSettings(TrainSettings):
    """Settings of `dalearn harden`: those of training, and these."""

    batch: BatchSettings = field(
        BatchSettings,
        "Batches. 'workers' and 'shuffle' do nothing here: what is found goes into the next batch, "
        "so this process makes each when it is wanted.",
    )
    loop: LoopSettings = field(
        LoopSettings(
            steps=1500,
            learning_rate=0.0005,
            average_decay=0.99,
            average_ramp=False,
            checkpoint_every=50,
            validate_every=0,
        ),
        "Length and rate; all steps are taken, however many images are found.",
    )
    accuracy: AccuracySettings = field(AccuracySettings, "Recognition accuracy of an image.")
    conversions: ConversionSettings = field(
        ConversionSettings, "Which conversions: colours, filters, shapes of landmarks."
    )
    convert: ConvertSettings = field(ConvertSettings, "Conversion of colours.")
    search: SearchSettings = field(SearchSettings, "Search.")
    neighbours: NeighbourSettings = field(NeighbourSettings, "What is near.")
    update: UpdateSettings = field(UpdateSettings, "Learning on the way.")


def updates_of(settings: HardenSettings) -> int:
    """Into how many parts the steps are split: one for each batch of new images."""
    return -(-settings.search.outputs // _every(settings))


def wanted_outputs(settings: HardenSettings, step: int) -> int:
    """How many hard images there are to be before gradient step ``step`` (from 0) is taken.

    The steps are shared out evenly: part k begins at steps * k / updates and has the first
    (k + 1) * n images. So the sum of steps is the same however often the model is updated.
    """
    return min(settings.search.outputs, known_outputs(settings, step) + _every(settings))


def known_outputs(settings: HardenSettings, step: int) -> int:
    """How many of these were to be there before the update that gradient step ``step`` is of."""
    part = step * updates_of(settings) // settings.loop.steps
    return _every(settings) * part


def _every(settings: HardenSettings) -> int:
    outputs = settings.search.outputs
    return min(settings.update.every or outputs, outputs)


def check_harden(settings: HardenSettings) -> None:
    """See that the settings of a search fit together.

    Raises:
        SettingsError: More updates than steps, a loop that ends by itself, nothing to explore by,
            an unknown conversion, a setting of colours where there are none.
    """
    _check_conversions(settings)
    loop, search = settings.loop, settings.search
    convert = settings.convert
    if convert.whole == "alone" and (convert.areas or convert.subsets):
        given = f"'alone' with {'areas' if convert.areas else 'subsets'}"
        expected = "'rest' or 'never', where areas are named or drawn"
        raise SettingsError.at("settings", "key 'convert.whole'", expected, given)
    if updates_of(settings) > loop.steps:
        expected = f"at least {updates_of(settings)}, a step for each update"
        raise SettingsError.at("settings", "key 'loop.steps'", expected, str(loop.steps))
    for name, found in (("max_minutes", loop.max_minutes), ("patience", loop.patience or None)):
        if found is not None:
            expected = "none: equal steps are what makes runs comparable"
            raise SettingsError.at("settings", f"key 'loop.{name}'", expected, str(found))
    if search.explore and not (search.by_cell or search.by_distance or search.generate):
        expected = "by_cell, by_distance or generate to be true, or explore false"
        raise SettingsError.at("settings", "key 'search.explore'", expected, "true")


def check_names(key: str, given: Sequence[str], known: Sequence[str]) -> None:
    """Raise SettingsError for the first name of a setting that is not known."""
    for name in given:
        if name not in known:
            expected, hint = f"some of {', '.join(known)}.", did_you_mean(name, known)
            raise SettingsError.at("settings", f"key '{key}'", expected, f"'{name}'", hint)


def _check_conversions(settings: HardenSettings) -> None:
    """Raise SettingsError unless the conversions are known ones that the search can explore by."""
    search, names = settings.search, settings.conversions.use
    check_names("conversions.use", names, CONVERSIONS)
    if not names or len({*names}) < len(names):
        found = ", ".join(names) or "none"
        raise SettingsError.at("settings", "key 'conversions.use'", "one or more, each once", found)
    if search.explore and not search.generate and names != (COLOURS,):
        expected = "true: filters and shapes have no store, only new ones can be near; or explore "
        raise SettingsError.at("settings", "key 'search.generate'", f"{expected}false", "false")
    if COLOURS in names:
        return
    for key, value in {
        "search.condition": search.condition,
        "search.together": search.together,
        "convert.areas": settings.convert.areas,
        "convert.subsets": settings.convert.subsets,
    }.items():
        if value:
            use = ", ".join(names)
            expected = f"its default: it is about colours, which conversions.use ({use}) lacks"
            raise SettingsError.at("settings", f"key '{key}'", expected, str(value))

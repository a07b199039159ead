"""Conversion of colour distributions as the search sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dalearn_ros.hard_examples.conversion import Axis, Outcome, Parameters, Sample
from dalearn_ros.hard_examples.convert import ALL_CHANNELS, Source, convert
from dalearn_ros.hard_examples.neighbours import possible_colours
from dalearn_ros.hard_examples.spaces import LAB, ColourSpace
from dalearn_ros.hard_examples.statistics import WHOLE, Distribution

COLOURS = "colours"


@dataclass(frozen=True)
class ColourConversion:
    """Areas, and the whole image, take other distributions.

    A part is an area or ``image``; a vector is that of a :class:`Distribution`: mean and deviation
    of channel 0, 1, 2.

    Attributes:
        space: Of the distributions.
        channels: Which of them change.
        soft_px: As for :func:`convert`.
        least_pixels: Areas with fewer pixels are no parts.
    """

    space: ColourSpace = LAB
    channels: Sequence[int] = ALL_CHANNELS
    soft_px: float = 0.0
    least_pixels: int = 1

    @property
    def name(self) -> str:
        """For logs and provenance."""
        return COLOURS

    @property
    def moves(self) -> bool:
        """Landmarks and areas stay as they are."""
        return False

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Mean and deviation of each channel, in the space's own units."""
        pairs = zip(self.space.channels, self.space.ranges, strict=True)
        return tuple(
            axis
            for channel, (low, high) in pairs
            for axis in (
                Axis(f"mean of {channel}", low, high),
                Axis(f"deviation of {channel}", 0.0, (high - low) / 2.0),
            )
        )

    def prepare(self, sample: Sample) -> PreparedColours:
        """Colours and statistics of a sample."""
        source = Source.of(sample.image, sample.index, sample.areas, self.space)
        return PreparedColours(self, sample, source)

    def possible(self, vectors: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """(N,) which vectors (N, 6) some image can have."""
        return possible_colours(vectors, self.space)


@dataclass(frozen=True)
class PreparedColours:
    """A sample with its statistics.

    Attributes:
        conversion: How it is converted.
        sample: The original.
        source: Its colours and statistics.
    """

    conversion: ColourConversion
    sample: Sample
    source: Source

    @property
    def parts(self) -> tuple[str, ...]:
        """Areas with enough pixels, and the whole image last."""
        return (*self.source.statistics.present(self.conversion.least_pixels), WHOLE)

    def convert(self, parameters: Parameters) -> Outcome:
        """The sample with new colours; labels and index image stay as they are.

        The notes have ``empty``, ``flat``, ``clipped`` and ``changed`` of :class:`Converted`.

        Raises:
            InputError: As :func:`convert`.
        """
        targets = {part: Distribution.of_vector(vector) for part, vector in parameters.items()}
        how = self.conversion
        made = convert(self.source, targets, how.channels, how.soft_px)
        notes = {
            "empty": list(made.empty), "flat": [list(pair) for pair in made.flat],
            "clipped": made.clipped, "changed": made.changed,
        }  # fmt: skip
        return Outcome(replace(self.sample, image=made.image), made.areas, notes)

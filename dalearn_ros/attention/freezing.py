"""Which parts of a network learn, and which losses reach them (A7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torch import nn

from dalearn_ros.attention.learning_settings import LOSSES, LearningSettings
from dalearn_ros.attention.network import PARTS
from dalearn_ros.core.errors import SettingsError

# L_per flows through M into the branch; perception has no say in M or in the branch's own classes.
_REACHED = {
    "attention": ("features", "attention"),
    "perception": ("features", "attention", "perception"),
    "map": ("features", "attention"),
}
_REACHED_BY_CAM = ("features", "perception")  # the map is made of both


class Frozen:
    """Parts of a network that do not learn: no gradient, no new normalisation statistics."""

    def __init__(self, parts: Mapping[str, Sequence[nn.Module]], learns: Collection[str]) -> None:
        """Freeze all parts but some.

        Args:
            parts: The network's modules by part.
            learns: Names of those that learn.
        """
        self._modules = [m for part in parts if part not in learns for m in parts[part]]
        for module in self._modules:
            module.requires_grad_(False)

    def hold(self) -> None:
        """Before each pass while learning: what is frozen answers as in use."""
        for module in self._modules:
            module.eval()


def losses_of(settings: LearningSettings, maps: bool) -> tuple[str, ...]:
    """The losses that count, in the order of :data:`LOSSES`.

    Args:
        settings: The choice.
        maps: Whether there are corrected maps.

    Raises:
        SettingsError: A loss that is none, or none that is left.
    """
    _only(settings.losses, LOSSES, "losses")
    branch = settings.source == "branch"
    usable = {"attention": branch, "perception": True, "map": maps}
    found = tuple(name for name in LOSSES if name in settings.losses and usable[name])
    if not found:
        expected = "a loss that there is something to learn from"
        hint = "'map' needs corrected maps (--edits), 'attention' a network with a branch."
        chosen = ", ".join(settings.losses) or "none"
        raise SettingsError.at("settings", "key 'attention.losses'", expected, chosen, hint)
    return found


def parts_that_learn(
    settings: LearningSettings, losses: Collection[str], is_new: bool
) -> tuple[str, ...]:
    """The parts that learn, in the order of :data:`PARTS`.

    A part that no loss reaches stays as it is, its normalisation too.

    Args:
        settings: The choice.
        losses: Those that count; see :func:`losses_of`.
        is_new: Whether the network's weights are random.

    Raises:
        SettingsError: A part that is none, or no loss has a gradient in any chosen part.
    """
    cam = settings.source == "cam"
    chosen = settings.learns
    if chosen is None:
        known = ("features", "perception") if cam else ("attention", "perception")
        chosen = PARTS if is_new else known
    _only(chosen, PARTS, "learns")
    if cam:
        reached = set(_REACHED_BY_CAM)
    else:
        reached = {part for name in losses for part in _REACHED[name]}
    found = tuple(part for part in PARTS if part in chosen and part in reached)
    if not found:
        expected = (
            f"one of {', '.join(sorted(reached))}, where '{', '.join(losses)}' has a gradient"
        )
        found_ = ", ".join(chosen) or "none"
        hint = "Let another part learn, or add a loss."
        raise SettingsError.at("settings", "key 'attention.learns'", expected, found_, hint)
    return found


def _only(given: Sequence[str], known: Sequence[str], key: str) -> None:
    for name in given:
        if name not in known:
            expected = f"some of {', '.join(known)}"
            raise SettingsError.at("settings", f"key 'attention.{key}'", expected, f"'{name}'")

"""The parameter ``cameras`` of detector and localizer: names that become parts of topics."""

from __future__ import annotations

import re

from dalearn_ros.core.errors import SettingsError

ALONE = ("",)  # one camera without a name: the plain topics
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")  # a part of a topic's name in ROS 2


def check_cameras(names: tuple[str, ...]) -> None:
    """Check the names of the cameras.

    Raises:
        SettingsError: None, the same one twice, or one that cannot be part of a topic's name.
    """
    fits = all(_NAME.fullmatch(name) for name in names) or names == ALONE
    if not names or len(set(names)) < len(names) or not fits:
        expected = "different names of letters, digits and _"
        raise SettingsError.at("parameter 'cameras'", "", expected, str(list(names)))

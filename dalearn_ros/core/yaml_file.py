"""Reading YAML files that people write, with a sentence for whatever is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dalearn_ros.core.errors import InputError

KEYS = "keys and values"


def read_yaml(
    path: Path,
    fault: type[InputError] = InputError,
    what: str = "file",
    expected: str = KEYS,
) -> dict[str, Any]:
    """The keys and values of a file; none if it is empty.

    Args:
        path: The file.
        fault: What is raised.
        what: What the file is, for the sentence if there is none.
        expected: What should be in it, for the sentence if it has no keys.

    Raises:
        InputError: As ``fault``: there is no such file, it cannot be read, it is not YAML, a key
            stands twice in it, or it holds something else than keys and values.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise fault(f"{path}: there is no such {what}.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise fault(f"{path}: cannot be read ({reason}).") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "a syntax error"
        raise fault.at(path, place, "YAML", str(problem)) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise fault.at(path, "", expected, type(content).__name__)
    return content


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping: the second would win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in seen:
                    problem = f"the key '{key.value}' twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)

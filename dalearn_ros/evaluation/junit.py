"""Verdicts as JUnit XML, which CI systems show: a test suite a scenario, a test case a limit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from xml.etree import ElementTree

from dalearn_ros.evaluation.verdict import ERROR, FAILED, LimitResult, ScenarioResult

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(results: Sequence[ScenarioResult]) -> str:
    """The file as text.

    A test case is named after the figure and has the scenario as ``classname``, so that its history
    goes on when a limit changes.
    """
    root = ElementTree.Element("testsuites", name="dalearn evaluate")
    _count(root, [one for each in results for one in each.limits])
    for result in results:
        suite = ElementTree.SubElement(root, "testsuite", name=_text(result.name))
        _count(suite, result.limits)
        suite.set("time", f"{result.seconds:.3f}")
        for one in result.limits:
            _case(suite, result.name, one)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _count(element: ElementTree.Element, limits: Sequence[LimitResult]) -> None:
    states = [one.state for one in limits]
    element.set("tests", str(len(states)))
    element.set("failures", str(states.count(FAILED)))
    element.set("errors", str(states.count(ERROR)))
    element.set("skipped", "0")


def _case(suite: ElementTree.Element, scenario: str, one: LimitResult) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", name=_text(one.limit.metric), classname=_text(scenario), time="0"
    )
    if one.state in (FAILED, ERROR):
        tag = "failure" if one.state == FAILED else "error"
        kind = "limit" if one.state == FAILED else "not evaluated"
        found = ElementTree.SubElement(case, tag, message=_text(one.reason), type=kind)
        found.text = _text(f"{one.limit}: {one.reason}")
    if math.isfinite(one.value):
        ElementTree.SubElement(case, "system-out").text = f"{one.limit.metric} = {one.value:.6g}"


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)

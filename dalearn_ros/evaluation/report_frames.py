"""The report's frames: what was hit and missed in them, and a filter by class and kind of error."""

from __future__ import annotations

import html
from collections.abc import Sequence

from dalearn_ros.evaluation.drawing import draw_attention, draw_matching
from dalearn_ros.evaluation.gallery import FALSE, MISSED, Gallery, Snapshot
from dalearn_ros.evaluation.page import picture
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.landmarks.catalogue import LabelSpace

KEY = (
    '<p class="key"><span class="hit">hit</span> (ring: truth, cross: seen) '
    '<span class="missed">missed</span> <span class="false">false alarm</span> '
    '<span class="ignored">not scored</span></p>'
)
ATTENTION_KEY = (
    "<p>After each frame, where the network looked: the brighter the heat on the grey "
    "image, the more attention, from 0 to 1; white outlines are the truth.</p>"
)
KINDS = ((MISSED, "missed"), (FALSE, "false alarms"))
# Without it the page shows the worst frames, and all landmarks in the chart of errors.
SCRIPT = """
(function () {
  var bar = document.getElementById("filter");
  if (!bar) return;
  var kind = bar.querySelector("[name=kind]"), name = bar.querySelector("[name=class]");
  var told = bar.querySelector("output");
  var frames = Array.prototype.slice.call(document.querySelectorAll(".frame[data-errors]"));
  var dots = Array.prototype.slice.call(document.querySelectorAll("[data-class]"));
  function wanted(frame) {
    if (!kind.value && !name.value) return frame.dataset.worst === "yes";
    return frame.dataset.errors.split(" ").some(function (error) {
      var parts = error.split(":");
      return (!kind.value || parts[0] === kind.value) && (!name.value || parts[1] === name.value);
    });
  }
  function show() {
    var count = 0;
    frames.forEach(function (frame) {
      frame.hidden = !wanted(frame);
      if (!frame.hidden) count += 1;
    });
    dots.forEach(function (group) {
      group.style.display = !name.value || group.dataset.class === name.value ? "" : "none";
    });
    told.textContent = count === 1 ? "1 frame" : count + " frames";
  }
  bar.hidden = false;
  kind.addEventListener("change", show);
  name.addEventListener("change", show);
  show();
  document.addEventListener("click", function (event) {
    var frame = event.target.tagName === "IMG" && event.target.closest(".frame");
    if (frame) frame.classList.toggle("large");
  });
})();
"""


def frames_part(gallery: Gallery, space: LabelSpace, start_ns: int | None) -> str:
    """The HTML of the worst frames, with a filter, and of the best ones.

    Args:
        gallery: What was kept.
        space: Names of the classes.
        start_ns: Stamp that times count from; None: no times are told.
    """
    worst, examples, best = gallery.worst(), gallery.examples(), gallery.best()
    parts = []
    if worst:
        shown = [_frame(one, space, start_ns, True, i < len(worst))
                 for i, one in enumerate([*worst, *examples])]  # fmt: skip
        key = KEY + ATTENTION_KEY * any(one.attention is not None for one in worst)
        bar = _filter([*worst, *examples], space)
        parts.append(f"<h2>Worst frames</h2>{key}{bar}<div class='pictures'>{''.join(shown)}</div>")
    if best:
        shown = [_frame(one, space, start_ns, False, True) for one in best]
        parts.append(f"<h2>Best frames</h2>{KEY}<div class='pictures'>{''.join(shown)}</div>")
    return "".join(parts)


def _filter(frames: Sequence[Snapshot], space: LabelSpace) -> str:
    """Two lists to choose from; shown by the script that makes them work."""
    kinds = {kind for frame in frames for kind in frame.kinds()}
    classes = sorted({class_id for _, class_id in kinds})
    lists = (
        ("kind", "Kind of error", [(key, text) for key, text in KINDS if key in dict(kinds)]),
        ("class", "Class", [(space.names[one], space.names[one]) for one in classes]),
    )
    parts = []
    for name, label, options in lists:
        choices = "".join(
            f'<option value="{html.escape(value)}">{html.escape(text)}</option>'
            for value, text in options
        )
        parts.append(
            f'<label>{label} <select name="{name}"><option value="">all</option>{choices}'
            "</select></label>"
        )
    return f'<p class="filter" id="filter" hidden>{"".join(parts)}<output></output></p>'


def _frame(
    frame: Snapshot, space: LabelSpace, start_ns: int | None, attention: bool, worst: bool
) -> str:
    """A frame with what was hit and missed, and by option where the network looked."""
    drawn = draw_matching(frame.image(), frame.truth, frame.seen, frame.found, space)
    hits, missed, false = (
        len(part) for part in (frame.found.truth, frame.found.missed, frame.found.false_alarms)
    )
    when = "" if start_ns is None else f" at {(frame.stamp_ns - start_ns) / 1e9:.1f} s"
    figures = picture(drawn, f"{frame.name}{when}: {hits} hits, {missed} missed, {false} false")
    if attention and frame.attention is not None:
        figures += _attention(frame, frame.attention)
    errors = " ".join(f"{kind}:{space.names[one]}" for kind, one in sorted(frame.kinds()))
    told = f' data-errors="{html.escape(errors)}"' if errors else ""
    state = ' data-worst="yes"' if worst else " hidden"
    return f'<div class="frame"{told}{state}>{figures}</div>'


def _attention(frame: Snapshot, attention: AttentionMap) -> str:
    """The picture of a frame's attention, and its figures for those who do not see it."""
    mean, most = float(attention.attention.mean()), float(attention.attention.max())
    text = f"{frame.name}: attention, {mean:.2f} in the mean, {most:.2f} at most"
    return picture(draw_attention(frame.image(), attention, frame.truth), text)

"""The look of the figures: colours, sizes, titles, and the parts that several figures share.

Colours are the CSS variables of style.css, so that a figure follows dark mode and print.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from analysis.page.blocks import FIELD_TITLES

LOSS_TO_GAIN = [f"var(--d{step})" for step in range(1, 10)]  # nine steps, the fifth around 0
SERIES = [f"var(--s{series})" for series in range(1, 7)]
INK, SOFT, GRID = "var(--ink)", "var(--soft)", "var(--grid)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
ROW_HEIGHT = 26  # pixels of one row of names
LINE_HEIGHT = 14  # pixels of one line of a name
MAX_WIDE_COLUMNS = 18  # of a heat map whose cells hold their numbers; with more, numbers would run into each other
CELL_WIDTH, NARROW_ROW_HEIGHT = 16, 18  # pixels of a cell that holds its marks alone

CONFIG: dict[str, Any] = {
    "aria": False,  # the page describes a figure as a whole and has its numbers in a table
    "background": None,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        **{"labelColor": INK, "titleColor": SOFT, "domainColor": SOFT, "tickColor": SOFT, "gridColor": GRID},
        **{"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 220},
    },
    "legend": {
        **{"labelColor": INK, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12},
        **{"titleFontWeight": "normal", "titleLimit": 400, "orient": "top", "symbolType": "circle"},
    },
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": SOFT},
    "range": {"category": SERIES},
}

ChartSpec = dict[str, Any]

SINGLE_POINT_DATA = alt.InlineData([{"at": 0}])  # for marks that are drawn once, whatever the data
TICK_COUNT = alt.ExprRef("width > 500 ? 10 : 5")
GAIN_TITLE = "Gain over the baseline, points"
FIELD_FORMATS = {"gain": "+.2f", "score": ".2f", "share": ".1f", "spent": ".2f", "search": ".2f"}


def chart_of(data: str) -> alt.Chart:
    """Return a chart on one of the page's data sets."""
    return alt.Chart(alt.NamedData(data))


def chart_of_gains(data: str) -> alt.Chart:
    """Return a chart on data with `gain`, `low` and `high`, and the interval in words for the tooltip."""
    words = (
        "isValid(datum.low) ? format(datum.low, '+.2f') + ' to ' + format(datum.high, '+.2f') : 'none: too few seeds'"
    )
    chart: alt.Chart = chart_of(data).transform_calculate("interval", words)
    return chart


def choose_colour_step(gain: float, limit: float) -> int:
    """Return the colour, 1 to 9, of a gain on a scale that ends at `limit`, as the scale of a heat map chooses it."""
    return 1 + min(max(int((gain + limit) / (2 * limit) * len(LOSS_TO_GAIN)), 0), len(LOSS_TO_GAIN) - 1)


def is_narrow(columns: int) -> bool:
    """True if a heat map with so many columns has narrow cells: colours and marks, without numbers."""
    return columns > MAX_WIDE_COLUMNS


def draw_heat_map(base: alt.Chart, limit: float, columns: int) -> alt.LayerChart | alt.FacetChart:
    """Return coloured cells with their labels; cells without a gain have the colour of the page.

    With many columns (`is_narrow`) a cell has its marks alone, and the figure is as wide as its columns.
    """
    colour = alt.Color("gain:Q", title=GAIN_TITLE).scale(type="quantize", domain=[-limit, limit], range=LOSS_TO_GAIN)
    colour = colour.legend(format="+.1f", direction="horizontal", symbolType="square", gradientLength=280)
    colour_or_ground = alt.condition("isValid(datum.gain)", colour, alt.value("var(--ground)"))
    stroke, font_size, height = 2, 12, ROW_HEIGHT
    width: str | alt.Step = "container"
    labels = base
    if is_narrow(columns):
        stroke, font_size, width, height = 1, 9, alt.Step(CELL_WIDTH), NARROW_ROW_HEIGHT
        labels = base.transform_calculate("marks", "replace(datum.label, regexp('[^*~†]', 'g'), '')")
    return alt.layer(
        base.mark_rect(stroke="var(--ground)", strokeWidth=stroke).encode(color=colour_or_ground),
        labels.mark_text(color=INK, fontSize=font_size).encode(text="marks:N" if is_narrow(columns) else "label:N"),
    ).properties(width=width, height=alt.Step(height))


def build_top_axis(names: Sequence[str]) -> dict[str, Any]:
    """Return the axis above a heat map: short and few names stand upright, one word below the other."""
    longest = max(len(word) for name in names for word in name.split(" "))
    axis = {"orient": "top", "domain": False, "ticks": False, "labelOverlap": False}
    if is_narrow(len(names)):
        return {**axis, "labelAngle": -90, "labelLimit": 160}
    if longest * len(names) <= 110:
        lines = max(name.count(" ") for name in names)  # below the first, which would run into the cells
        words = {"labelExpr": "split(datum.label, ' ')", "labelLineHeight": LINE_HEIGHT}
        return {**axis, **words, "labelPadding": 4 + LINE_HEIGHT * lines, "labelAngle": 0}
    return {**axis, "labelAngle": -35}


def draw_zero_line() -> alt.Chart:
    """Return a vertical line at a gain of 0."""
    chart: alt.Chart = alt.Chart(SINGLE_POINT_DATA).mark_rule(strokeWidth=1).encode(x="at:Q")
    return chart


def build_tooltip(*fields: str) -> list[alt.Tooltip]:
    """Return fields under readable names: strings as they are, numbers by FIELD_FORMATS."""
    return [
        alt.Tooltip(f"{name}:Q", format=FIELD_FORMATS[name], title=FIELD_TITLES.get(name, name))
        if name in FIELD_FORMATS
        else alt.Tooltip(f"{name}:N", title=FIELD_TITLES.get(name, name))
        for name in fields
    ]


def to_spec(chart: alt.LayerChart | alt.FacetChart) -> ChartSpec:
    """Return the chart as plain data, without altair's theme and without its validation, which the tests do."""
    with alt.data_transformers.enable(consolidate_datasets=False):
        spec: ChartSpec = chart.to_dict(validate=False)
    if spec.get("width") == "container":
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec.pop("config", None)
    return spec

"""How the figures are drawn: Vega-Lite by altair. Data sets are named here and come with the page, each once.

Colours are the CSS variables of style.css, so that a figure follows dark mode and print.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

LOSS_TO_GAIN = [f"var(--d{step})" for step in range(1, 10)]  # nine steps, the fifth is around 0
SERIES = [f"var(--s{series})" for series in range(1, 7)]
INK, SOFT, GRID = "var(--ink)", "var(--soft)", "var(--grid)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
ROW_HEIGHT = 26  # pixels of one row of names
LINE_HEIGHT = 14  # pixels of one line of a name

CONFIG: dict[str, Any] = {
    "aria": False,  # the page describes a figure as a whole, and its numbers stand in a table
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


def draw_ranking(order: Sequence[str], intervals: bool) -> ChartSpec:
    """Dots with intervals (if there are any).

    Data `ranking`: intermediate, over, kind, gain, low, high, and what the tooltip says.
    """
    chart = _chart_of_gains("ranking").encode(
        y=alt.Y("intermediate:N").sort(list(order)).title(None).axis(domain=False, ticks=False, grid=True, offset=8),
        yOffset=alt.YOffset("over:N").sort(None),
        color=alt.Color("over:N").sort(None).title(None),
        tooltip=_build_tooltip("intermediate", "over", "gain", "interval", "spread", "seeds", "values"),
    )
    whiskers = chart.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q")
    dots = chart.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("gain:Q").title(GAIN_TITLE).axis(tickCount=TICK_COUNT),
        shape=alt.Shape("kind:N").scale(domain=["task", "control"], range=["circle", "diamond"]).legend(None),
    )
    layers = (_draw_zero_line(), whiskers, dots) if intervals else (_draw_zero_line(), dots)
    return _to_spec(alt.layer(*layers).properties(width="container", height=alt.Step(17)))


def draw_matrix(order: Sequence[str], columns: Sequence[str], most: float) -> ChartSpec:
    """A heat map whose colours end at `most`.

    Data `cells`: intermediate, target, gain, label, and what the tooltip says.
    """
    base = _chart_of_gains("cells").encode(
        y=alt.Y("intermediate:N").sort(list(order)).title(None).axis(domain=False, ticks=False),
        x=alt.X("target:N").sort(list(columns)).title(None).axis(**_build_top_axis(columns)),
        tooltip=_build_tooltip(
            "intermediate", "target", "gain", "interval", "spread", "seeds", "values", "languages", "metrics", "holes"
        ),
    )
    return _to_spec(_draw_heat_map(base, most).properties(width="container", height=alt.Step(ROW_HEIGHT)))


def draw_languages(order: Sequence[str], most: float, target: str) -> ChartSpec:
    """A heat map of one target, or of all.

    Data `languages`: intermediate, target, level, name, family, script, resource, gain.

    `view` is the level of the rows and the field that they are sorted by.
    """
    base = (
        _chart_of_gains("languages")
        .add_params(alt.param(name="target", value=target), alt.param(name="view", value="language family"))
        .transform_filter("datum.target == target && datum.level == split(view, ' ')[0]")
        .transform_calculate(
            row="datum.level == 'language' ? datum[split(view, ' ')[1]] + ' · ' + datum.name : datum.name"
        )
        .encode(
            y=alt.Y("row:N").title(None).axis(domain=False, ticks=False),
            x=alt.X("intermediate:N").sort(list(order)).title(None).axis(**_build_top_axis(order)),
            tooltip=_build_tooltip(
                "intermediate", "target", "name", "family", "script", "resource", "gain", "interval", "seeds"
            ),
        )
    )
    return _to_spec(_draw_heat_map(base, most).properties(width="container", height=alt.Step(ROW_HEIGHT)))


def draw_curves(what: str, chain: str, seed: str) -> ChartSpec:
    """English dev by tenth; data `curves`, a row per run: what, chain, seed, rate, status, tenths, scores, last."""
    chosen = (
        _chart_of("curves")
        .add_params(
            alt.param(name="what", value=what), alt.param(name="chain", value=chain), alt.param(name="seed", value=seed)
        )
        .transform_filter("datum.what == what && datum.chain == chain && (seed == 'all' || datum.seed == seed)")
        .transform_flatten(["tenths", "scores"], as_=["tenth", "score"])
        .transform_calculate(run="datum.seed + ' ' + datum.rate")
    )
    base = chosen.encode(
        x=alt.X("tenth:Q").scale(domain=[1, 10]).title("Tenth of the run").axis(tickCount=10, format="d", grid=False),
        y=alt.Y("score:Q").scale(zero=False, padding=8).title("English dev, points"),
        color=alt.Color("rate:N").title("Learning rate"),
    )
    lines = base.mark_line(strokeWidth=2, clip=True).encode(detail="run:N")
    points = base.mark_point(filled=True, size=28, opacity=1).encode(
        tooltip=_build_tooltip("what", "chain", "seed", "rate", "tenth", "score", "status")
    )
    stopped = base.transform_filter("datum.tenth == datum.last && datum.status != 'finished'").mark_point(
        shape="cross", angle=45, size=160, filled=True, opacity=1
    )
    ends = stopped.encode(tooltip=_build_tooltip("what", "chain", "seed", "rate", "tenth", "score", "status"))
    return _to_spec(alt.layer(lines, points, ends).properties(width="container", height=320))


def draw_cost(time: str, intervals: bool) -> ChartSpec:
    """Gain against `time` (a unit); data `cost`: intermediate, spent, search, gain, low, high (if any), front, far.

    The name stands to the left of a dot that is `far` to the right.
    """
    base = _chart_of_gains("cost").encode(
        x=alt.X("spent:Q")
        .title(f"{time.capitalize()} of the intermediate run, mean over seeds")
        .scale(zero=True)
        .axis(tickCount=TICK_COUNT, grid=False),
        tooltip=_build_tooltip("intermediate", "spent", "gain", "interval", "search", "front"),
    )
    front = (
        _chart_of("cost")
        .transform_filter("datum.front == 'yes'")
        .mark_line(interpolate="step-after", strokeDash=[4, 3], color=SOFT)
        .encode(x="spent:Q", y="gain:Q")
    )
    whiskers = base.mark_rule(opacity=0.5).encode(y="low:Q", y2="high:Q")
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(
        y=alt.Y("gain:Q").title(GAIN_TITLE).axis(tickCount=6),
        color=alt.Color("front:N")
        .title("On the Pareto front")
        .scale(domain=["yes", "no"], range=[SERIES[0], SERIES[5]]),
    )
    named = base.encode(y="gain:Q", text="intermediate:N")
    left = named.transform_filter("!datum.far").mark_text(align="left", dx=8, dy=-6)
    right = named.transform_filter("datum.far").mark_text(align="right", dx=-8, dy=-6)
    rule = alt.Chart(SINGLE_POINT_DATA).mark_rule().encode(y="at:Q")
    layers = (rule, front, whiskers, dots, left, right) if intervals else (rule, front, dots, left, right)
    return _to_spec(alt.layer(*layers).properties(width="container", height=360))


def draw_axes(order: Sequence[str]) -> ChartSpec:
    """Stacked bars of shares of the variance; data `axes`: target, axis, share (%)."""
    base = _chart_of("axes").encode(
        y=alt.Y("target:N").sort(None).title(None).axis(domain=False, ticks=False),
        x=alt.X("share:Q").title("Share of the variance, %").scale(domain=[0, 100]).axis(tickCount=TICK_COUNT),
        color=alt.Color("axis:N")
        .sort(list(order))
        .title(None)
        .scale(domain=list(order), range=[*SERIES[: len(order) - 1], SERIES[-1]]),
        order="place:Q",
        tooltip=_build_tooltip("target", "axis", "share"),
    )
    bars = base.mark_bar(height={"band": 0.7}, clip=True)
    return _to_spec(alt.layer(bars).properties(width="container", height=alt.Step(ROW_HEIGHT)))


SINGLE_POINT_DATA = alt.InlineData([{"at": 0}])  # for what is drawn once, whatever the data
TICK_COUNT = alt.ExprRef("width > 500 ? 10 : 5")
GAIN_TITLE = "Gain over the baseline, points"
FIELD_TITLES = {
    "over": "mean over",
    "interval": "95% interval",
    "spread": "sd over seeds",
    "values": "per seed",
    "holes": "missing",
    "name": "language",
    "what": "trained on",
    "chain": "chain",
    "rate": "learning rate",
    "spent": "time of the run",
    "search": "time of all its rates",
    "front": "on the Pareto front",
}
FIELD_FORMATS = {"gain": "+.2f", "score": ".2f", "share": ".1f", "spent": ".2f", "search": ".2f"}


def _chart_of(data: str) -> alt.Chart:
    return alt.Chart(alt.NamedData(data))


def _chart_of_gains(data: str) -> alt.Chart:
    """Data with `gain`, `low` and `high`, and the interval in words for the tooltip."""
    words = (
        "isValid(datum.low) ? format(datum.low, '+.2f') + ' to ' + format(datum.high, '+.2f') : 'none: too few seeds'"
    )
    chart: alt.Chart = _chart_of(data).transform_calculate("interval", words)
    return chart


def _draw_heat_map(base: alt.Chart, most: float) -> alt.LayerChart | alt.FacetChart:
    colour = alt.Color("gain:Q", title=GAIN_TITLE).scale(type="quantize", domain=[-most, most], range=LOSS_TO_GAIN)
    colour = colour.legend(format="+.1f", direction="horizontal", symbolType="square", gradientLength=280)
    known = alt.condition("isValid(datum.gain)", colour, alt.value("var(--ground)"))
    return alt.layer(
        base.mark_rect(stroke="var(--ground)", strokeWidth=2).encode(color=known),
        base.mark_text(color=INK).encode(text="label:N"),
    )


def _build_top_axis(names: Sequence[str]) -> dict[str, Any]:
    """The axis above a heat map: names stand upright, word below word, where they are short and few."""
    longest = max(len(word) for name in names for word in name.split(" "))
    axis = {"orient": "top", "domain": False, "ticks": False, "labelOverlap": False}
    if longest * len(names) <= 110:
        lines = max(name.count(" ") for name in names)  # below the first, which would run into the cells
        words = {
            "labelExpr": "split(datum.label, ' ')",
            "labelLineHeight": LINE_HEIGHT,
            "labelPadding": 4 + LINE_HEIGHT * lines,
        }
        return {**axis, **words, "labelAngle": 0}
    return {**axis, "labelAngle": -35}


def _draw_zero_line() -> alt.Chart:
    chart: alt.Chart = alt.Chart(SINGLE_POINT_DATA).mark_rule(strokeWidth=1).encode(x="at:Q")
    return chart


def _build_tooltip(*fields: str) -> list[alt.Tooltip]:
    """Fields under readable names; strings as they are, numbers by FORMATS."""
    return [
        alt.Tooltip(f"{name}:Q", format=FIELD_FORMATS[name], title=FIELD_TITLES.get(name, name))
        if name in FIELD_FORMATS
        else alt.Tooltip(f"{name}:N", title=FIELD_TITLES.get(name, name))
        for name in fields
    ]


def _to_spec(chart: alt.LayerChart | alt.FacetChart) -> ChartSpec:
    """The chart as plain data, without altair's own theme and without its validation, which tests do instead."""
    with alt.data_transformers.enable(consolidate_datasets=False):
        spec: ChartSpec = chart.to_dict(validate=False)
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec.pop("config", None)
    return spec

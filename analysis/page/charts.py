"""The figures as Vega-Lite specs, drawn by altair.

A spec names its data sets; the page holds each of them once.
"""

from collections.abc import Sequence

import altair as alt

from analysis.page import chart_style as style
from analysis.page.chart_style import SERIES, TICK_COUNT, ChartSpec, build_tooltip, to_spec


def draw_ranking(order: Sequence[str], intervals: bool) -> ChartSpec:
    """Return dots with intervals, if any, of `ranking`: intermediate, over, kind, gain, low, high, tooltip fields."""
    chart = style.chart_of_gains("ranking").encode(
        y=alt.Y("intermediate:N").sort(list(order)).title(None).axis(domain=False, ticks=False, grid=True, offset=8),
        yOffset=alt.YOffset("over:N").sort(None),
        color=alt.Color("over:N").sort(None).title(None),
        tooltip=build_tooltip("intermediate", "over", "gain", "interval", "spread", "seeds", "values"),
    )
    whiskers = chart.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q")
    dots = chart.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("gain:Q").title(style.GAIN_TITLE).axis(tickCount=TICK_COUNT),
        shape=alt.Shape("kind:N")
        .scale(domain=["task", "control", "baseline"], range=["circle", "diamond", "square"])
        .legend(None),
    )
    layers = (style.draw_zero_line(), whiskers, dots) if intervals else (style.draw_zero_line(), dots)
    return to_spec(alt.layer(*layers).properties(width="container", height=alt.Step(17)))


def draw_matrix(order: Sequence[str], columns: Sequence[str], limit: float) -> ChartSpec:
    """Return a heat map that ends at `limit`, of `cells`: intermediate, target, gain, label, fields of the tooltip."""
    base = style.chart_of_gains("cells").encode(
        y=alt.Y("intermediate:N").sort(list(order)).title(None).axis(domain=False, ticks=False),
        x=alt.X("target:N").sort(list(columns)).title(None).axis(**style.build_top_axis(columns)),
        tooltip=build_tooltip(
            "intermediate", "target", "gain", "interval", "spread", "seeds", "values", "languages", "metrics", "holes"
        ),
    )
    return to_spec(style.draw_heat_map(base, limit, len(columns)))


def draw_languages(order: Sequence[str], limit: float, target: str, view: str) -> ChartSpec:
    """Return a heat map of one target, or of all.

    Data `languages`: intermediate, target, level, name, family, script, resource, gain. The parameter `view` is the
    level of the rows and the field that they are sorted by, such as `language family`.
    """
    base = (
        style.chart_of_gains("languages")
        .add_params(alt.param(name="target", value=target), alt.param(name="view", value=view))
        .transform_filter("datum.target == target && datum.level == split(view, ' ')[0]")
        .transform_calculate(
            row="datum.level == 'language' ? datum[split(view, ' ')[1]] + ' · ' + datum.name : datum.name"
        )
        .encode(
            y=alt.Y("row:N").title(None).axis(domain=False, ticks=False),
            x=alt.X("intermediate:N").sort(list(order)).title(None).axis(**style.build_top_axis(order)),
            tooltip=build_tooltip(
                "intermediate", "target", "name", "family", "script", "resource", "gain", "interval", "seeds"
            ),
        )
    )
    return to_spec(style.draw_heat_map(base, limit, len(order)))


def draw_curves(what: str, chain: str, seed: str) -> ChartSpec:
    """Return English dev by tenth, of `curves`, a row a run: what, chain, seed, rate, status, tenths, scores, last."""
    chosen_first = {"what": what, "chain": chain, "seed": seed}
    chosen = (
        style.chart_of("curves")
        .add_params(*(alt.param(name=name, value=value) for name, value in chosen_first.items()))
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
    tooltip = build_tooltip("what", "chain", "seed", "rate", "tenth", "score", "status")
    points = base.mark_point(filled=True, size=28, opacity=1).encode(tooltip=tooltip)
    stopped = base.transform_filter("datum.tenth == datum.last && datum.status != 'finished'")
    crosses = stopped.mark_point(shape="cross", angle=45, size=160, filled=True, opacity=1).encode(tooltip=tooltip)
    return to_spec(alt.layer(lines, points, crosses).properties(width="container", height=320))


def draw_cost(time: str, intervals: bool) -> ChartSpec:
    """Return gain against `time` (the name of a unit).

    Data `cost`: intermediate, spent, search, gain, low, high (if any), front, far. The name is to the left of a dot
    that is `far` to the right.
    """
    base = style.chart_of_gains("cost").encode(
        x=alt.X("spent:Q")
        .title(f"{time.capitalize()} of the intermediate run, mean over seeds")
        .scale(zero=True)
        .axis(tickCount=TICK_COUNT, grid=False),
        tooltip=build_tooltip("intermediate", "spent", "gain", "interval", "search", "front"),
    )
    front = (
        style.chart_of("cost")
        .transform_filter("datum.front == 'yes'")
        .mark_line(interpolate="step-after", strokeDash=[4, 3], color=style.SOFT)
        .encode(x="spent:Q", y="gain:Q")
    )
    whiskers = base.mark_rule(opacity=0.5).encode(y="low:Q", y2="high:Q")
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(
        y=alt.Y("gain:Q").title(style.GAIN_TITLE).axis(tickCount=6),
        color=alt.Color("front:N")
        .title("On the Pareto front")
        .scale(domain=["yes", "no"], range=[SERIES[0], SERIES[5]]),
    )
    named = base.encode(y="gain:Q", text="intermediate:N")
    left_names = named.transform_filter("!datum.far").mark_text(align="left", dx=8, dy=-6)
    right_names = named.transform_filter("datum.far").mark_text(align="right", dx=-8, dy=-6)
    rule = alt.Chart(style.SINGLE_POINT_DATA).mark_rule().encode(y="at:Q")
    layers = (rule, front, *([whiskers] if intervals else []), dots, left_names, right_names)
    return to_spec(alt.layer(*layers).properties(width="container", height=360))


def draw_axes(order: Sequence[str]) -> ChartSpec:
    """Return stacked bars of shares of the variance; data `axes`: target, axis, share (%)."""
    base = style.chart_of("axes").encode(
        y=alt.Y("target:N").sort(None).title(None).axis(domain=False, ticks=False),
        x=alt.X("share:Q").title("Share of the variance, %").scale(domain=[0, 100]).axis(tickCount=TICK_COUNT),
        color=alt.Color("axis:N")
        .sort(list(order))
        .title(None)
        .scale(domain=list(order), range=[*SERIES[: len(order) - 1], SERIES[-1]]),
        order="place:Q",
        tooltip=build_tooltip("target", "axis", "share"),
    )
    bars = base.mark_bar(height={"band": 0.7}, clip=True)
    return to_spec(alt.layer(bars).properties(width="container", height=alt.Step(style.ROW_HEIGHT)))

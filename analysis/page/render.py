"""Sections to one HTML file that needs nothing else: no network, no folder beside it."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import polars as pl
import vl_convert
from markupsafe import Markup

from analysis.page.blocks import Figure, Section, figures_of
from analysis.page.charts import CONFIG


def render_page(title: str, subtitle: str, sections: Sequence[Section], footer: str) -> str:
    """The whole page. All text of `sections` may come from foreign files: it is escaped."""
    figures = figures_of(sections)
    style, script, drawing = read_asset("style.css"), read_asset("page.js"), read_vega_library()
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        read_asset("page.html")
    )
    return template.render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        footer=footer,
        policy=_build_content_policy((style,), (drawing, script)),
        style=Markup(style),
        library=Markup(drawing),
        script=Markup(script),
        figures=Markup(_escape_for_script(_build_document(figures))),
    )


@cache
def read_asset(name: str) -> str:
    """The text of a file that lies beside this one."""
    return files("analysis.page").joinpath(name).read_text(encoding="utf-8").strip()


def columns_of(frame: pl.DataFrame) -> dict[str, Any]:
    """A frame as names and rows: names stand once. What is not a number is null."""
    finite = frame.with_columns(pl.col(pl.Float64).replace(float("nan"), None).round(6))
    return {"columns": finite.columns, "rows": finite.rows()}


def _build_document(figures: Sequence[Figure]) -> dict[str, Any]:
    return {
        "config": CONFIG,
        "data": {name: columns_of(frame) for figure in figures for name, frame in figure.data.items()},
        "figures": {figure.name: {"chart": figure.spec, "uses": list(figure.data)} for figure in figures},
    }


def _escape_for_script(document: dict[str, Any]) -> str:
    """JSON that cannot end the element it stands in, whatever its strings hold."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def read_vega_library() -> str:
    """Vega, Vega-Lite and vega-embed as one script, from the installed vl-convert."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")).strip().replace("</script", "<\\/script")


def _build_content_policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Nothing may be loaded or evaluated, and only the page's own scripts and style may run: known by their hashes.

    Figures set styles of their elements one by one, which is all that `style-src-attr` allows. Images are those that
    a figure becomes on its way to a PNG file.
    """

    def hashes(texts: Sequence[str]) -> str:
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in texts)

    return (
        f"default-src 'none'; script-src {hashes(scripts)}; style-src-elem {hashes(styles)}; "
        "style-src-attr 'unsafe-inline'; img-src blob: data:; base-uri 'none'; form-action 'none'"
    )

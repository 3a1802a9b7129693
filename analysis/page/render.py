"""Sections to one HTML file that needs nothing else: no network, no other file."""

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
from analysis.page.chart_style import CONFIG

SCRIPTS = ("page.js", "marks.js", "language_map.js")


def render_page(title: str, subtitle: str, sections: Sequence[Section], footer: str) -> str:
    """Return the whole page. All text of `sections` is escaped, because it may come from foreign files."""
    figures = figures_of(sections)
    style, drawing = read_asset("style.css"), read_vega_library()
    script = "\n\n".join(map(read_asset, SCRIPTS))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(read_asset("page.html")).render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        refuse=_refuse_block,
        footer=footer,
        policy=_build_content_policy((style,), (drawing, script)),
        style=Markup(style),
        library=Markup(drawing),
        script=Markup(script),
        figures=Markup(_escape_for_script(_build_document(figures))),
    )


def _refuse_block(block: object) -> None:
    """Raise TypeError for a block that the template does not know: the page would silently lack it."""
    raise TypeError(f"page.html has no markup for a block of type {type(block).__name__}")


@cache
def read_asset(name: str) -> str:
    """Return the text of a file of this folder."""
    return files("analysis.page").joinpath(name).read_text(encoding="utf-8").strip()


def columns_of(frame: pl.DataFrame) -> dict[str, Any]:
    """Return a frame as names and rows, so that names appear once; NaN becomes null."""
    finite = frame.with_columns(pl.col(pl.Float64).replace(float("nan"), None).round(6))
    return {"columns": finite.columns, "rows": finite.rows()}


def _build_document(figures: Sequence[Figure]) -> dict[str, Any]:
    return {
        "config": CONFIG,
        "data": {name: columns_of(frame) for figure in figures for name, frame in figure.data.items()},
        "figures": {figure.name: {"chart": figure.spec, "uses": list(figure.data)} for figure in figures},
    }


def _escape_for_script(document: dict[str, Any]) -> str:
    """Return JSON that cannot end the element around it, whatever its strings hold."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def read_vega_library() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script, from the installed vl-convert."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")).strip().replace("</script", "<\\/script")


def _build_content_policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Return a policy that loads and evaluates nothing, and allows only the page's own scripts and style (by hash).

    Figures set styles of single elements, which `style-src-attr` allows. The allowed images are what a figure becomes
    on its way to a PNG file.
    """

    def hashes(texts: Sequence[str]) -> str:
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in texts)

    return (
        f"default-src 'none'; script-src {hashes(scripts)}; style-src-elem {hashes(styles)}; "
        "style-src-attr 'unsafe-inline'; img-src blob: data:; base-uri 'none'; form-action 'none'"
    )

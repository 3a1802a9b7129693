"""The figures as files for a paper: SVG and PNG, on white."""

import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import vl_convert

from analysis.page.blocks import Figure
from analysis.page.chart_style import CONFIG
from analysis.page.render import columns_of, read_asset

WIDTH = 720  # pixels of a figure that fills its box on the page; a wide heat map keeps its own width
SCALE = 3.0  # dots per pixel in a PNG
PADDING = {"left": 20, "right": 10, "top": 5, "bottom": 5}  # pixels: a reader's font may be wider than the one measured


def export_figures(figures: Iterable[Figure], folder: Path) -> list[Path]:
    """Write each figure as the page first shows it; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for figure in figures:
        for suffix, draw in RENDERERS.items():
            path = folder / f"{figure.name}{suffix}"
            path.write_bytes(draw(figure))
            written.append(path)
    return written


def render_svg(figure: Figure) -> bytes:
    """Return the figure as SVG."""
    return apply_light_colours(vl_convert.vegalite_to_svg(build_standalone_spec(figure))).encode()


def render_png(figure: Figure) -> bytes:
    """Return the figure as PNG, SCALE dots per pixel."""
    return compress_png(vl_convert.svg_to_png(render_svg(figure).decode(), SCALE))


def compress_png(png: bytes) -> bytes:
    """Return the same picture in about a quarter of the bytes: the converter compresses for speed.

    A PNG is a signature of 8 bytes and chunks: length, type, content, checksum of the last two (W3C's specification,
    section 5.3). The contents of all chunks IDAT together are one zlib stream.
    """
    start, chunks, stream = 8, [], b""
    while start < len(png):
        end = start + 8 + int.from_bytes(png[start : start + 4])
        kind, content = png[start + 4 : start + 8], png[start + 8 : end]
        if kind == b"IDAT":
            stream += content
        else:
            chunks.append(kind + content)
        start = end + 4
    chunks.insert(-1, b"IDAT" + zlib.compress(zlib.decompress(stream), level=9))  # the last chunk is IEND
    parts = ((len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) for chunk in chunks)
    return png[:8] + b"".join(parts)


RENDERERS = {".svg": render_svg, ".png": render_png}


def build_standalone_spec(figure: Figure) -> dict[str, Any]:
    """Return the figure's spec with its data, its width and the look of the page."""
    rows = {}
    for name, frame in figure.data.items():
        table = columns_of(frame)
        rows[name] = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    width = WIDTH if figure.spec.get("width") == "container" else figure.spec["width"]
    paper = {"width": width, "background": "#ffffff", "padding": PADDING}
    return {**figure.spec, **paper, "config": CONFIG, "datasets": rows}


def apply_light_colours(svg: str) -> str:
    """Return `svg` with the light colours in place of CSS variables."""
    light = re.search(r":root, \.paper \{(.*?)\}", read_asset("style.css"), re.DOTALL)
    colours = dict(re.findall(r"(--[\w-]+): ([^;]+);", light[1])) if light else {}
    return re.sub(r"var\((--[\w-]+)\)", lambda match: colours[match[1]], svg)

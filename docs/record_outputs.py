"""Make the recorded outputs in README.md and docs/ again, and the pictures of the README.

    python docs/record_outputs.py --results runs
    python docs/record_outputs.py --results runs docs/laptop.md    # this page only, and the pictures

A recorded output is a fenced block below `<!-- recorded: COMMAND -->`; `<!-- recorded, lines 1-20: COMMAND -->`
keeps some of its lines. The sweeps that the commands read lie in the results folder, finished (docs/results.md and
docs/questions.md name them); a block whose sweep is not there stays as it is, and is named. `search/run.py` runs for
real, in an empty folder. `examples` is the one of this checkout.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- recorded(?:, lines (\d+)-(\d+))?: (.+?) -->\n```text\n)(.*?)(```)", re.DOTALL)
FIGURES = {"ranking.svg": "runs/full-miniature", "laptop-ranking.svg": "examples/laptop-scores.parquet"}  # in docs/


def record(command: str, folder: Path) -> str:
    """Return what a command prints in a folder where `runs` are the results; paths are given from that folder."""
    interpreter, script, *arguments = command.split()
    if interpreter != "python":
        raise ValueError(f"only Python scripts are recorded, got {command!r}.")
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=True
    )
    lines = done.stdout.replace(f"{folder}/", "").strip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _is_there(word: str, results: Path) -> bool:
    """Return True unless `word` names a sweep, as `runs/NAME`, that the results do not have."""
    return not word.startswith("runs/") or (results / word.removeprefix("runs/")).exists()


def link_inputs(folder: Path, results: Path) -> None:
    """Put what recorded commands name into their folder: `runs`, the results, and `examples`."""
    (folder / "runs").symlink_to(results)
    (folder / "examples").symlink_to(ROOT / "examples")


def rewrite(text: str, results: Path) -> str:
    """Return a page with every recorded output made again."""

    def renew(block: re.Match[str]) -> str:
        head, first, last, command, _, fence = block.groups()
        if absent := [word for word in command.split() if not _is_there(word, results)]:
            print(f"not recorded, because {', '.join(absent)} is not there: {command}")
            return block[0]
        with tempfile.TemporaryDirectory() as folder:
            if not command.startswith("python search/run.py"):
                link_inputs(Path(folder), results)
            lines = record(command, Path(folder)).splitlines()
        if first is not None:
            lines = lines[int(first) - 1 : int(last)]
        return head + "\n".join(lines) + "\n" + fence

    return BLOCK.sub(renew, text)


def draw_figure(sweep: str, results: Path) -> str:
    """Return a picture of the README as SVG: the ranking of a finished sweep, as the report draws it."""
    with tempfile.TemporaryDirectory() as folder:
        link_inputs(Path(folder), results)
        record(f"python analysis/report.py {sweep} -o report.html --figures figures", Path(folder))
        return (Path(folder) / "figures" / "ranking.svg").read_text(encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite the pages and the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("runs"), help="folder with the finished sweeps")
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="default: all pages of README.md and docs/")
    options = parser.parse_args(argv)
    results = options.results.resolve()
    for page in [page.resolve() for page in options.pages] or [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        text = page.read_text(encoding="utf-8")
        if (made := rewrite(text, results)) != text:
            page.write_text(made, encoding="utf-8")
            print(f"written: {page.relative_to(ROOT)}")
    for file, sweep in FIGURES.items():
        if _is_there(sweep, results):
            (ROOT / "docs" / file).write_text(draw_figure(sweep, results), encoding="utf-8")
        else:
            print(f"not drawn, because {sweep} is not there: docs/{file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

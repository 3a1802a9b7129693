"""The table of methods, and what the README says of it."""

from spaces.method import METHODS
from tests.paths import ROOT

KINDS = ("pair", "tagging", "span", "choice")


def test_the_readme_says_where_each_method_works_and_what_it_costs() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for method in METHODS.values():
        (row,) = [line for line in lines if line.startswith(f"| `{method.name}` |")]
        _, about, *cells, passes = [cell.strip() for cell in row.strip("|").split("|")]
        assert about == method.about and float(passes) == round(method.passes, 2)
        for kind, cell in zip(KINDS, cells, strict=True):
            assert cell == (
                f"not meaningful: {method.unsuited_kinds[kind]}" if kind in method.unsuited_kinds else "works"
            )

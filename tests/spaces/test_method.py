"""The table of methods, and what the documents say of it."""

from spaces.method import METHODS
from tests.paths import ROOT

KINDS = ("pair", "tagging", "span", "choice")


def test_the_documents_say_where_each_method_works_and_what_it_costs() -> None:
    lines = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8").splitlines()
    for method in METHODS.values():
        (row,) = [line for line in lines if line.startswith(f"| `{method.name}` |")]
        _, about, *cells, passes = [cell.strip() for cell in row.strip("|").split("|")]
        assert about == method.about and float(passes) == round(method.passes, 2)
        for kind, cell in zip(KINDS, cells, strict=True):
            reason = method.unsuited_kinds.get(kind)
            assert cell == ("yes" if reason is None else "no")
            said = [line for line in lines if line.startswith(f"- `{method.name}` has no meaning for {kind}")]
            assert said == ([] if reason is None else [f"- `{method.name}` has no meaning for {kind}: {reason}."])

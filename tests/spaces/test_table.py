import pytest

from spaces.errors import UsageError
from spaces.language import Language
from spaces.table import Table


def language(name: str) -> Language:
    return Language(name, name, "f", "s", "high")


def test_a_duplicate_is_refused() -> None:
    with pytest.raises(ValueError, match="'de' is in its table twice"):
        Table("language", [language("de"), language("de")])


def test_an_unknown_name_gets_the_near_ones() -> None:
    table = Table("language", [language("german"), language("greek")])
    with pytest.raises(UsageError, match="did you mean german"):
        table.find("germn")
    with pytest.raises(UsageError, match="there are: german, greek"):
        table.find("xx")

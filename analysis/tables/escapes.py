"""Text as it must stand in Markdown, LaTeX and CSV, so that no name of a task acts as markup or as a formula.

Control characters are no matter of these: names have none (`scores.plain_names`).
"""

import re

# A code span that the sentences themselves write. Any other backtick is text.
CODE_SPAN = re.compile(r"(?<![`\\])`[\w .,=<>~+-]+`(?!`)")
MARKDOWN_MARKUP = re.compile(
    r"[\\`*~|<$]"  # everywhere
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # inside a word it is no emphasis
    r"|\](?=[(\[:])|&(?=#|\w+;)"  # links, entities
)
LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def escape_markdown(text: str) -> str:
    """Return text that GitHub's Markdown shows as it is, in a line or in a cell of a table."""
    return MARKDOWN_MARKUP.sub(r"\\\g<0>", text)


def escape_markdown_line(text: str) -> str:
    """Return a sentence for Markdown: code between single backticks stays code, its start is no list or heading."""
    parts, end = [], 0
    for span in CODE_SPAN.finditer(text):
        parts += [escape_markdown(text[end : span.start()]), span[0]]
        end = span.end()
    escaped = "".join([*parts, escape_markdown(text[end:])])
    if ordered := re.match(r"(\d+)[.)](?=\s|$)", escaped):
        return f"{ordered[1]}\\{escaped[ordered.end(1) :]}"
    return f"\\{escaped}" if re.match(r">|[-+#=](?![\d.])", escaped) else escaped


def escape_latex(text: str) -> str:
    """Return text without LaTeX commands, ligatures of dashes, or a start that would belong to the line before it."""
    text = "".join(LATEX_ESCAPES.get(letter, letter) for letter in text).replace("--", "-{}-")
    return f"{{}}{text}" if text[:1] in ("[", "*") else text


def escape_formula(text: str) -> str:
    """Return a field of a CSV file with an apostrophe before what a spreadsheet would run as a formula.

    Only text is escaped, never a number. JSON has every name as it is.
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) and text not in FORMULA_STARTS else text

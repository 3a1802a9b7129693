"""Misspellings: a shift of real test sets that leaves their labels as they are.

Two neighbouring letters swap places in some of the words, never the first or the last letter. This is our own stand-in
for the attacks of the literature, which search for the worst change of each input; here no model is asked. A word is a
run of letters with their vowel signs and accents, so in a script without blanks it is the text between two marks.
"""

import random
import unicodedata

MISSPELT_SHARE = 0.2  # of the words that are long enough
MIN_WORD_LETTERS = 4  # so that two inner letters can swap places


def misspell(text: str) -> str:
    """Return the text with misspelt words; the same text is always misspelt in the same way."""
    rng = random.Random(f"misspelt/{text}")
    pieces: list[str] = []
    word: list[str] = []  # letters, each with its signs
    for character in [*text, ""]:
        if character.isalpha():
            word.append(character)
        elif character and word and unicodedata.category(character).startswith("M"):
            word[-1] += character
        else:
            pieces += [*_swap_letters(word, rng), character]
            word = []
    return "".join(pieces)


def _swap_letters(word: list[str], rng: random.Random) -> list[str]:
    """Return a word with two different inner neighbours swapped, or unchanged."""
    if len(word) < MIN_WORD_LETTERS or rng.random() >= MISSPELT_SHARE:
        return word
    positions = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
    if not positions:
        return word
    i = rng.choice(positions)
    return [*word[:i], word[i + 1], word[i], *word[i + 2 :]]

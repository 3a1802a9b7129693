"""Misspellings: a shift of real test sets that leaves their labels as they are.

Two neighbouring letters change places in some of the words, never the first or the last. This is a stand-in of our own
for the attacks of the literature, which search for the worst change of each input: here no model is asked. A word is a
run of letters with their vowel signs and accents, so in a script without blanks it is what stands between marks.
"""

import random
import unicodedata

MISSPELT_SHARE = 0.2  # of the words that are long enough
MIN_WORD_LETTERS = 4  # letters of a word, so that two inner ones can change places


def misspell(text: str) -> str:
    """The text with misspelt words; the same text is always misspelt alike."""
    draw = random.Random(f"misspelt/{text}")
    written: list[str] = []
    word: list[str] = []  # its letters, each with its signs
    for character in [*text, ""]:
        if character.isalpha():
            word.append(character)
        elif character and word and unicodedata.category(character).startswith("M"):
            word[-1] += character
        else:
            written += [*_swap_letters(word, draw), character]
            word = []
    return "".join(written)


def _swap_letters(word: list[str], draw: random.Random) -> list[str]:
    """A word with two different inner neighbours in each other's place, or as it is."""
    if len(word) < MIN_WORD_LETTERS or draw.random() >= MISSPELT_SHARE:
        return word
    places = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
    if not places:
        return word
    i = draw.choice(places)
    return [*word[:i], word[i + 1], word[i], *word[i + 2 :]]

"""Text that XLM-R was pretrained on, by language: a measure of resources that belongs to the encoder.

Sizes are those of CC-100 in GiB, from the table of languages in the appendix of Conneau et al. 2020 ("Unsupervised
Cross-lingual Representation Learning at Scale"), as the public repository mayhewsw/multilingual-data-stats transcribes
it. Chinese is the simplified part, Burmese the part in Unicode. A language that the table lacks has no size: XLM-R has
seen no text that was collected for it. GiB are bytes, of which scripts need one to three a letter; the table's tokens
are no better, because Chinese, Japanese and Thai have no blanks.
"""

from types import MappingProxyType

_GIB = (
    "af 1.3 ar 28.0 az 6.5 bg 57.5 bn 8.4 cs 16.3 da 45.6 de 66.6 el 46.9 en 300.8 es 53.3 et 6.1 eu 2.0 fa 111.6 "
    "fi 54.3 fr 56.8 gu 1.9 he 31.6 hi 20.2 hu 58.4 id 148.3 it 30.2 ja 69.3 jv 0.2 ka 9.1 kk 6.4 ko 54.2 lt 13.7 "
    "lv 8.8 ml 7.6 mr 2.8 ms 8.5 my 1.6 nl 29.3 no 49.0 pa 0.8 pl 44.6 pt 49.1 ro 61.4 ru 278.0 sv 85.0 sw 1.6 "
    "ta 12.2 te 4.7 th 71.7 tl 3.1 tr 20.9 uk 84.6 ur 5.7 uz 0.7 vi 137.3 zh 46.9"
).split()
CC100_GIB = MappingProxyType(dict(zip(_GIB[::2], map(float, _GIB[1::2]), strict=True)))

# Parts of names of encoders that were pretrained on CC-100, or that began as one that was.
_CC100_ENCODERS = ("xlm-roberta", "xlm-r", "xlmr", "multilingual-minilm", "multilingual-e5")


def is_pretrained_on_cc100(encoder: str | None) -> bool:
    """Return True if the encoder's name says that it comes from XLM-R; False for any other, also an unknown one."""
    return encoder is not None and any(part in encoder.lower() for part in _CC100_ENCODERS)

"""The kinds of task. Each file has the same functions: encode examples, build a head, compute a loss, read answers."""

from trainables.kinds import choice, mlm, pair, span, tagging
from trainables.kinds.kind import KindOfTask

KINDS = {
    "pair": KindOfTask(
        encode=pair.encode,
        head=pair.head,
        loss=pair.loss,
        outcomes=pair.outcomes,
        decode=pair.decode,
        merge=pair.merge,
        score=pair.score,
        parts=pair.parts,
    ),
    "choice": KindOfTask(
        encode=choice.encode,
        head=choice.head,
        loss=pair.loss,  # a choice among options is a label among scores
        outcomes=choice.outcomes,
        decode=pair.decode,
        merge=choice.merge,
        score=choice.score,
        parts=pair.parts,
    ),
    "tagging": KindOfTask(
        encode=tagging.encode,
        head=tagging.head,
        loss=tagging.loss,
        outcomes=tagging.outcomes,
        decode=tagging.decode,
        merge=tagging.merge,
        score=tagging.score,
        parts=tagging.parts,
        per_position=True,
    ),
    "span": KindOfTask(
        encode=span.encode,
        head=span.head,
        loss=span.loss,
        outcomes=span.outcomes,
        decode=span.decode,
        merge=span.merge,
        score=span.score,
        parts=span.parts,
    ),
    "mlm": KindOfTask(
        encode=mlm.encode,
        head=mlm.head,
        loss=mlm.loss,
        outcomes=mlm.outcomes,
        decode=mlm.decode,
        merge=mlm.merge,
        score=mlm.score,
        parts=mlm.parts,
        per_position=True,
    ),
}

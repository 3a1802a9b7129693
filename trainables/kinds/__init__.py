"""The kinds of task. Each module has the same functions: encode, build a head, compute a loss, decode and score."""

from trainables.kinds import choice, mlm, pair, span, tagging
from trainables.kinds.kind import KindOfTask

KINDS = {
    "pair": KindOfTask(
        encode=pair.encode,
        build_head=pair.build_head,
        compute_loss=pair.compute_loss,
        flatten_logits=pair.flatten_logits,
        decode=pair.decode,
        merge=pair.merge,
        score=pair.score,
        compute_parts=pair.compute_parts,
    ),
    "choice": KindOfTask(
        encode=choice.encode,
        build_head=choice.build_head,
        compute_loss=pair.compute_loss,  # the number of the right option is the label of a pair
        flatten_logits=choice.flatten_logits,
        decode=pair.decode,
        merge=pair.merge,
        score=pair.score,
        compute_parts=pair.compute_parts,
    ),
    "tagging": KindOfTask(
        encode=tagging.encode,
        build_head=tagging.build_head,
        compute_loss=tagging.compute_loss,
        flatten_logits=tagging.flatten_logits,
        decode=tagging.decode,
        merge=tagging.merge,
        score=tagging.score,
        compute_parts=tagging.compute_parts,
        per_position=True,
    ),
    "span": KindOfTask(
        encode=span.encode,
        build_head=span.build_head,
        compute_loss=span.compute_loss,
        flatten_logits=span.flatten_logits,
        decode=span.decode,
        merge=span.merge,
        score=span.score,
        compute_parts=span.compute_parts,
    ),
    "mlm": KindOfTask(
        encode=mlm.encode,
        build_head=mlm.build_head,
        compute_loss=mlm.compute_loss,
        flatten_logits=mlm.flatten_logits,
        decode=mlm.decode,
        merge=mlm.merge,
        score=mlm.score,
        compute_parts=mlm.compute_parts,
        per_position=True,
    ),
}

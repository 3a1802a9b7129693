"""What the parts of a chain's name must be on a benchmark: tasks, languages, and methods that can train the tasks."""

from spaces.benchmark import Benchmark
from spaces.ceilings import is_ceiling
from spaces.chain import MLM, RANDOM_ENCODER, Chain, parse_chain
from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.table import describe_unknown
from spaces.task import TaskKind

MAX_NAME_LENGTH = 180  # of a chain's name: it becomes part of file names, which may have 255 characters


def check_chain(name: str, benchmark: Benchmark, mixture: tuple[str, ...]) -> Chain:
    """Return the chain of a name; `multitask` mixes `mixture`. Raises UsageError for parts that do not fit."""
    chain = parse_chain(name)
    if is_ceiling(chain.phase):
        raise UsageError(
            f"{name!r}: a ceiling is not a chain that competes; add it with --translate-train or --target-shots N."
        )
    if chain.phase == RANDOM_ENCODER:
        raise UsageError(f"{name!r}: a random encoder is a floor, not a chain that competes; add it with --floor.")
    if len(name) > MAX_NAME_LENGTH:
        raise UsageError(
            f"{name!r} has {len(name)} characters; the name of a chain has at most {MAX_NAME_LENGTH}. "
            "Leave ingredients out."
        )
    for member in chain.members:
        check_chain(member.name, benchmark, mixture)
    for ingredient in () if chain.is_multitask else chain.ingredients:
        task, language = ingredient.task, ingredient.language
        if task not in benchmark.intermediates:
            known = dict.fromkeys((*benchmark.intermediate_names(), *benchmark.intermediates))
            raise UsageError(describe_unknown(f"intermediate task of {benchmark.name}", task, known))
        languages = benchmark.intermediates[task].training_languages
        if language is not None and language not in languages:
            raise UsageError(f"{name!r}: {describe_unknown(f'training language of {task}', language, languages)}")
    tasks = mixture if chain.is_multitask else () if chain.members else chain.tasks
    masked = [task for task in tasks if benchmark.intermediates[task].kind == "mlm"]
    shams = [task for task in masked if task != MLM]
    if shams and len(tasks) > 1:
        raise UsageError(f"{name!r}: {shams[0]} is a control of its own and is mixed with no other task; leave it out.")
    if chain.method is not None and masked == list(tasks):
        raise UsageError(
            f"{name!r}: masked words are trained plainly, with or without a task beside them; "
            f"leave out ~{chain.method}."
        )
    if chain.method is not None and masked and METHODS[chain.method].freezes_encoder:
        raise UsageError(
            f"{name!r}: masked words beside a task are trained plainly, and {chain.method} freezes the encoder; "
            f"leave out {MLM} or ~{chain.method}."
        )
    if chain.method is not None:
        check_method(name, chain.method, {benchmark.intermediates[task].kind for task in tasks if task != MLM})
    return chain


def check_method(name: str, method: str, kinds: set[TaskKind]) -> None:
    """Raise UsageError if a method cannot train one of the kinds of task. `name` is that of the chain."""
    for kind, reason in METHODS[method].unsuited_kinds.items():
        if kind in kinds:
            raise UsageError(f"{name!r}: {method} cannot train tasks of kind {kind}: {reason}.")

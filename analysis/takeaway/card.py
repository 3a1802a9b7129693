"""The card of a model that is taken away: README.md, as the hub shows it, with all that a reader must know of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.questions.sweep_command import UNRECORDED, build_command
from analysis.tables.escapes import escape_markdown, escape_markdown_line
from analysis.tables.numbers import number_from_estimate
from analysis.tables.source import list_warnings
from analysis.takeaway.choice import ChosenModel
from analysis.takeaway.training_data import NOT_RECORDED, list_phases, list_training_data
from analysis.transfer.columns import TransferColumn
from analysis.transfer.ranking import Ranking
from spaces.benchmark import BENCHMARKS
from spaces.bounds import describe_bounds
from spaces.chain import parse_chain
from spaces.model_files import AUTO_CLASSES
from spaces.phase import has_phase
from spaces.sweep_record import parse_chain_seeds

INPUT_HINTS: Mapping[str | None, str] = {  # how the search wrote inputs, by the kind of task
    "pair": "Give both texts: `tokenizer(first, second)`.",
    "text": "Give a text: `tokenizer(text)`.",
    "choice": "Give a row for each option: the context against question and option, `tokenizer(contexts, options)`.",
    "tagging": "Give words: `tokenizer(words, is_split_into_words=True)`. The tag of a word is on its first sub-token.",
    "span": "Give `tokenizer(question, context)`. Start and end at the first sub-token mean that there is no answer.",
}


def build_card(ranking: Ranking, model: ChosenModel, *, sweep: str, command: str) -> str:
    """Return the card's text; `sweep` is the path or address of the sweep, `command` the one that writes the folder."""
    [record] = ranking.loaded_scores.records
    sections = (
        _build_front_matter(record),
        _build_opening(ranking, model),
        _build_choice(ranking, model),
        *([_build_gains(ranking, model)] if model.chain in ranking.intermediates else []),
        *([_build_scores(ranking, model)] if model.target else []),
        _build_training(record, model),
        _build_data(record, model),
        _build_origin(record, sweep, command),
    )
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _build_front_matter(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the hub reads: the encoder is named only where it was read from the hub."""
    yield from ("---", "library_name: transformers", "tags:", "- intermediate-task-transfer")
    name = record["spec"].get("model")
    if name in record.get("repositories", {}):
        yield f"base_model: {name}"
    yield "---"


def _build_opening(ranking: Ranking, model: ChosenModel) -> Iterator[str]:
    scores = ranking.loaded_scores
    yield from (f"# {model.noun[0].upper()}{model.noun[1:]} after `{model.chain}`", "")
    tuned = f", then fine-tuned in English on `{model.target}`" if model.target else ""
    origin = describe_origin(str(scores.model), model.chain)
    yield f"{origin}{tuned}. A search over intermediate tasks chose it for use in languages other than English."
    kind = None if model.target is None else BENCHMARKS[str(scores.benchmark)].targets[model.target].kind
    name = "AutoModel" if kind is None else AUTO_CLASSES[kind]
    yield from ("", "```python", f"from transformers import {name}, AutoTokenizer", "")
    yield 'tokenizer = AutoTokenizer.from_pretrained(".")  # this folder'
    yield from (f'model = {name}.from_pretrained(".")', "```", "")
    yield INPUT_HINTS.get(kind, "Read `last_hidden_state`: a pooler, where the class has one, was never trained.")


def describe_origin(start: str, chain: str) -> str:
    """Return what the encoder of a chain comes from, where `start` is the one at the start of every chain."""
    phase = parse_chain(chain)
    if phase.ready:
        return f"The ready encoder `{phase.ready}`, in the place of a phase of `{start}`"
    if phase.members:
        members = " and ".join(f"`{member.name}`" for member in phase.members)
        return f"The mean of the encoders that `{start}` became on the intermediate phases {members}"
    return f"The encoder `{start}`" + (
        f", trained on the intermediate phase `{phase.phase}`" if has_phase(chain) else ""
    )


def _build_choice(ranking: Ranking, model: ChosenModel) -> Iterator[str]:
    yield from ("## How it was chosen", "")
    yield from (f"- {escape_markdown_line(line)}" for line in describe_choice_of(model))
    yield from (f"- {escape_markdown_line(line)}" for line in list_warnings(ranking.loaded_scores))


def describe_choice_of(model: ChosenModel) -> list[str]:
    """Return sentences on the choice: the verdict on the chain, and why it is this seed."""
    return [*model.verdict, model.seed_reason]


def _build_gains(ranking: Ranking, model: ChosenModel) -> Iterator[str]:
    yield from (f"## Gain over `{ranking.baseline}`", "")
    yield "Points (0 to 100), a mean over languages and seeds, zero-shot from English; 95% intervals over seeds."
    yield ""
    rows = []
    for column in ranking.columns:
        if model.target in (None, column.name):
            number = number_from_estimate(estimate := ranking.gains[model.chain, column.name])
            interval = "-" if number.low is None or number.high is None else f"{number.low:+.1f} to {number.high:+.1f}"
            languages = _list_languages(ranking, column)
            listed = str(len(languages)) if column.is_mean else ", ".join(languages)
            gain = number.text if estimate.mean is None else f"{estimate.mean:+.1f}"
            rows.append((column.name, gain, interval, str(estimate.seeds), listed))
    yield from _format_table(("target", "gain", "95% interval", "seeds", "languages"), rows)


def _list_languages(ranking: Ranking, column: TransferColumn) -> list[str]:
    transfer = ranking.transfer
    mask = transfer.scored_mask[[transfer.targets.index(target) for target in column.targets]]
    return [transfer.languages[i] for i in np.flatnonzero(mask.any(axis=0))]


def _build_scores(ranking: Ranking, model: ChosenModel) -> Iterator[str]:
    transfer, target = ranking.transfer, str(model.target)
    place = transfer.chains.index(model.chain), transfer.targets.index(target)
    scores = transfer.scores[*place, :, transfer.seeds.index(model.seed)]
    yield from (f"## Test scores of this model on `{target}`", "")
    yield f"Points, {' and '.join(transfer.metrics[target])}, zero-shot in every language but English."
    yield ""
    rows = [(transfer.languages[i], f"{scores[i]:.1f}") for i in np.flatnonzero(np.isfinite(scores))]
    yield from _format_table(("language", "score"), [*rows, ("mean", f"{np.nanmean(scores):.1f}")])


def _build_training(record: Mapping[str, Any], model: ChosenModel) -> Iterator[str]:
    spec = record["spec"]
    commit = record.get("repositories", {}).get(spec.get("model"))
    rate = "-" if model.phase_rate is None else f"{model.phase_rate:g}"
    yield from ("## Training", "")
    yield from _format_table(
        ("", ""),
        [
            ("start encoder", f"{spec.get('model')}" + (f", commit {commit}" if commit else "")),
            ("chain", model.chain),
            ("learning rate of the phase", rate),
            *([("learning rate of the fine-tuning", f"{model.target_rate:g}")] if model.target else []),
            ("learning rates that were tried", _format_rates(spec.get("learning_rates"))),
            ("seed", str(model.seed)),
            ("precision", str(spec.get("precision", NOT_RECORDED))),
            ("limits", describe_bounds(spec) or "none"),
            ("stage", model.stage),
        ],
    )


def _format_rates(rates: object) -> str:
    if isinstance(rates, Mapping):
        return f"{rates['low']:g} to {rates['high']:g}, {rates['draws']} draws"
    return ", ".join(f"{rate:g}" for rate in rates) if isinstance(rates, list) else NOT_RECORDED


def _build_data(record: Mapping[str, Any], model: ChosenModel) -> Iterator[str]:
    yield from ("## Data", "")
    data = list_training_data(record, model.chain, model.target)
    if not data:
        is_made_up = record["spec"].get("benchmark") == "miniature"
        yield "The program makes the rows of the miniature itself." if is_made_up else "The sweep recorded no sources."
        return
    rows = [(each.task, f"{each.repository} {each.config}", each.commit or "-", each.licence) for each in data]
    yield from _format_table(("task", "rows for training", "commit", "licence"), rows)
    yield ""
    if any(each.ready for each in list_phases(model.chain)):
        yield "What a ready encoder was trained on before is told by its own card."
    yield (
        "The licences are those of the rows. That of the start encoder is told by its own repository; look at all of "
        "them before you hand this model on."
    )


def _build_origin(record: Mapping[str, Any], sweep: str, command: str) -> Iterator[str]:
    spec = record["spec"]
    yield from ("## How it was made", "", "```sh")
    yield build_command(sweep, spec, parse_chain_seeds(spec))
    yield from (command, "```", "", f"The record of a sweep has none of {UNRECORDED}.", "")
    versions = ", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items())
    yield f"Code: transfer-search, commit {record.get('commit') or NOT_RECORDED}. Versions: {versions or NOT_RECORDED}."


def _format_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    yield from (f"| {' | '.join(map(escape_markdown, row))} |" for row in rows)

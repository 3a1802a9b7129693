"""The work of one arm of each stratum: loads of its training, evaluation and probes, cosines, copies of weights.

Probes are counted roughly, and the rows that ceilings train on in other languages as English ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from search.cost.disk_sizes import count_trained_parameters
from search.cost.pass_speed import NOTHING, Load, MachineSpeed, load_of_batch, sum_loads
from search.request.request import SweepRequest
from spaces.activities import Activity
from spaces.benchmark import BENCHMARKS
from spaces.chain import MLM
from spaces.encoders import PROFILES, STATE_COPIES, EncoderShape
from spaces.halving import RUNGS
from spaces.language import ENGLISH
from spaces.method import METHODS
from spaces.plan import Stratum, map_by_workload
from spaces.stage import TENTHS, Stage
from spaces.task import Recipe, Split, Task, with_splits_of
from spaces.untrained_phase import is_untrained
from trainables.data.foreign_rows import find_dev_languages
from trainables.data.task_data import load_dev_pool, load_pool
from trainables.features.examples import RankingPool
from trainables.kinds.mlm import SELECTED_SHARE
from trainables.probes.frozen_features import MAX_INPUTS
from trainables.probes.similarity import FISHER_EXAMPLES
from trainables.probes.tag_transfer import FIT_WORDS, TEST_WORDS
from trainables.probes.translations import MAX_SENTENCES
from trainables.record.checkpoints import count_checkpoints
from trainables.training.mixing import divide_steps
from trainables.training.schedule import compute_total_steps
from trainables.training_stage import read_recipe, resolve_ingredients

SAMPLED_LANGUAGES = 4  # of a target: the others count as their mean
BEST_COPIES = 0.5  # of the weights: the best so far, if the state is not the best and they are not stored already
PROBE_TOKENS = 40  # of an input that a probe reads
WORD_TOKENS, SENTENCE_WORDS = 1.5, 20  # sub-tokens of a word, and words of a sentence, where words are probed


class Sizes(Protocol):
    """The sizes of inputs that work is computed from: an `InputSampler`."""

    def sizes_of(self, task: Task, split: Split, language: str, recipe: Recipe, *, languages: int = 1) -> Any:
        """Return the `InputSizes` of a split in one language, which stands for this number of `languages`."""

    def count_tokens(self, sentences: Sequence[str]) -> float:
        """Return the mean sub-tokens of these sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWork:
    """The work of one stage. The batches of `training` are its steps."""

    training: Load = NOTHING
    dev: Load = NOTHING  # after all tenths
    test: Load = NOTHING
    probing: Load = NOTHING
    cosines: float = 0.0  # of sentence vectors
    state_copies: float = 0.0  # of the weights in a checkpoint; 0 where nothing is trained
    rungs: tuple[int, ...] = ()
    stores_encoder: bool = False
    pretrains: bool = False

    def without_training(self) -> "StageWork":
        """Return the work of a target that a phase has left trained."""
        return replace(self, training=NOTHING, dev=NOTHING, state_copies=0.0)


@dataclass(frozen=True, slots=True)
class StageSeconds:
    """The seconds of one stage by activity, and the bytes of its checkpoints."""

    spent: Mapping[Activity, float]
    checkpoint_bytes: float = 0.0

    @property
    def total(self) -> float:
        """Seconds of all activities."""
        return sum(self.spent.values())


def find_seconds(work: StageWork, speed: MachineSpeed) -> StageSeconds:
    """Return the seconds that a stage takes, alone on this machine and without early stopping."""
    spent: dict[Activity, float] = {
        "training": speed.pretraining if work.pretrains else speed.step.seconds_of(work.training),
        "dev": speed.forward.seconds_of(work.dev),
        "test": speed.forward.seconds_of(work.test) + speed.per_cosine * work.cosines,
        "probing": speed.forward.seconds_of(work.probing),
        "loading": 0.0 if work.pretrains else speed.open_encoder,
        "storing": speed.per_stored_byte * speed.encoder_bytes if work.stores_encoder else 0.0,
    }
    size = work.state_copies * speed.encoder_bytes
    each, tenth = size * speed.per_stored_byte, (spent["training"] + spent["dev"]) / TENTHS
    count = count_checkpoints(tenth, each, work.rungs) if size else 0
    return StageSeconds({**spent, "checkpoints": count * each}, count * size)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkEstimator:
    """What the work of a request's stages is computed from."""

    request: SweepRequest
    sizes: Sizes
    shape: EncoderShape
    batch_tokens: int  # of an evaluation batch

    def estimate(self) -> dict[str, StageWork]:
        """Return the work of one arm of each stratum, by the stratum's id."""
        return map_by_workload(self.request.plan, self._estimate_arm)

    def _estimate_arm(self, stratum: Stratum) -> StageWork:
        if stratum.kind == "pretrain":
            return StageWork(pretrains=True, state_copies=STATE_COPIES, stores_encoder=True)
        stage = self.request.maker.make_stage(stratum, None, None)
        if stratum.kind == "retrieval":
            return self._estimate_retrieval(stage)
        if is_untrained(stage.recipe):
            return StageWork(probing=self._probe(), stores_encoder=True)
        recipe, context = read_recipe(stage), self.request.context
        ingredients = resolve_ingredients(stage, context, recipe)
        judged = {task.name: (task, own) for task, own, _ in ingredients if task.name != MLM}
        judged = judged or {task.name: (task, own) for task, own, _ in ingredients}
        dev = sum_loads(self._evaluation(task, "dev", ENGLISH, own) for task, own in judged.values())
        test = dev.times(float(context.keep_predictions))
        for name, languages in stage.targets.items():
            task = with_splits_of(BENCHMARKS.find(stage.benchmark).targets[name], recipe)
            test += self._evaluate_languages(task, languages, recipe)
            if context.target_dev:
                foreign = find_dev_languages(context.source, task)
                test += self._evaluation(task, "dev", ENGLISH, recipe).times(len(foreign))
        may_stop = stratum.kind == "target" and stratum.arm_count > 1 and self.request.spec["scheduler"] != "none"
        return StageWork(
            training=self._train(stage, recipe, ingredients),
            dev=dev.times(TENTHS),
            test=test,
            probing=self._probe(),
            state_copies=(STATE_COPIES + BEST_COPIES) * self._find_trained_share(stage),
            rungs=RUNGS if may_stop else (),
            stores_encoder=stratum.kind == "intermediate",
        )

    def _train(self, stage: Stage, recipe: Recipe, ingredients: Sequence[tuple[Task, Recipe, str]]) -> Load:
        """Return the load of all steps: of each ingredient by its share of them."""
        entry, bucket = stage.recipe or {}, PROFILES.find(stage.profile).bucket
        sizes = [self.sizes.sizes_of(task, "train", language, own) for task, own, language in ingredients]
        counts = [
            min(size.row_count, self.request.context.source.limit or size.row_count)
            * (1.0 if task.kind == "mlm" else size.inputs_per_row)
            for (task, _, _), size in zip(ingredients, sizes, strict=True)
        ]
        shares = divide_steps([task for task, _, _ in ingredients], [round(count) for count in counts], entry)
        budget = entry.get("examples")
        judged = [
            count if budget is None else min(count, share.among_its_kind * budget * size.inputs_per_row)
            for (task, _, _), count, share, size in zip(ingredients, counts, shares, sizes, strict=True)
            if task.name != MLM or len({task.name for task, _, _ in ingredients}) == 1
        ]
        steps = compute_total_steps(recipe, round(sum(judged)))
        method = entry.get("method")
        load = NOTHING
        for (task, _, _), share, size in zip(ingredients, shares, sizes, strict=True):
            passes = 1.0 if method is None or task.kind == "mlm" else METHODS[method["name"]].passes
            step = size.step_load(recipe.batch_size, bucket)
            load += step.with_passes(passes * self._head_factor(task)).times(share.of_steps * steps)
        return load

    def _find_trained_share(self, stage: Stage) -> float:
        """Return the encoder's trained weights, or those of its adapters, as a share of all its weights."""
        return count_trained_parameters(self.shape, stage.recipe) / self.shape.parameters

    def _head_factor(self, task: Task) -> float:
        """Return the cost of an input with its head, in inputs: masked words are guessed among the whole vocabulary."""
        if task.kind != "mlm":
            return 1.0
        return 1 + SELECTED_SHARE * self.shape.vocabulary * self.shape.width / self.shape.layer_parameters

    def _evaluation(self, task: Task, split: Split, language: str, recipe: Recipe, languages: int = 1) -> Load:
        sizes = self.sizes.sizes_of(task, split, language, recipe, languages=languages)
        load: Load = sizes.evaluation_load(self.batch_tokens, self.request.context.source.test_limit)
        return load.with_passes(self._head_factor(task))

    def _evaluate_languages(self, task: Task, languages: Sequence[str], recipe: Recipe) -> Load:
        """Return the load of the test in all languages, by some of them."""
        chosen = choose_languages(languages)
        each = len(languages) / max(1, len(chosen))
        loads = (self._evaluation(task, "test", language, recipe, languages=round(each)) for language in chosen)
        return sum_loads(loads).times(each)

    def _probe(self) -> Load:
        """Return a rough load of the probes after a training. Each worker also measures a start encoder once."""
        probes, benchmark = self.request.context.probes, self.request.benchmark
        inputs = MAX_INPUTS + 3.0 * FISHER_EXAMPLES if "similarity" in probes else 0.0
        if "alignment" in probes:
            most = self.request.context.source.probe_limit or MAX_SENTENCES
            tagged = len(benchmark.targets[benchmark.tagging_target].languages)
            words = FIT_WORDS + tagged * min(TEST_WORDS, most * SENTENCE_WORDS)
            inputs += len(benchmark.languages) * min(most, MAX_SENTENCES) + words * WORD_TOKENS / PROBE_TOKENS
        load = load_of_batch(1, PROBE_TOKENS).times(inputs)
        return replace(load, batches=load.tokens / self.batch_tokens)

    def _estimate_retrieval(self, stage: Stage) -> StageWork:
        """Return the work of embedding the pools of all languages and comparing their vectors in every layer."""
        source, (name,) = self.request.context.source, stage.targets
        task, languages = BENCHMARKS.find(stage.benchmark).targets[name], stage.targets[name]
        chosen = choose_languages(languages)
        own, shared, cosines = NOTHING, NOTHING, 0.0
        for language in chosen:
            pools = [load_pool(source, task, "test", language)]
            if task.retrieval_mode == "mine":
                pools += filter(None, [load_dev_pool(source, task, language)])
            for pool in pools:
                pairs, candidates = len(pool.queries) * len(pool.candidates), self._embed(pool.candidates)
                own += self._embed(pool.queries)
                if isinstance(pool, RankingPool):  # all languages have the same candidates
                    shared, cosines = candidates, cosines + pairs
                else:
                    own, cosines = own + candidates, cosines + 2 * pairs  # searched from either side
        each = len(languages) / max(1, len(chosen))
        layers = self.shape.layers + 1
        return StageWork(test=own.times(each) + shared, cosines=cosines * each * layers)

    def _embed(self, sentences: Sequence[str]) -> Load:
        length = self.sizes.count_tokens(sentences)
        tokens = len(sentences) * length
        return Load(tokens / self.batch_tokens, tokens, tokens * length)


def choose_languages(languages: Sequence[str]) -> list[str]:
    """Return at most SAMPLED_LANGUAGES of these, at equal distances, the first one among them."""
    return list(languages[:: -(-len(languages) // SAMPLED_LANGUAGES) or 1])

"""Names of chains: their syntax, their meaning, and names that are refused."""

import pytest

from spaces.benchmark import BENCHMARKS, UNBOUNDED, Benchmark, Budget
from spaces.chain import Ingredient, is_baseline, parse_chain, target_multiplier_of
from spaces.chain_rules import check_chain
from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.phase import DEFAULT_MASKED_WORDS, MaskedWords, Phase, has_phase, passes_of, resolve_phases
from spaces.task import list_key_fields

MINIATURE = BENCHMARKS["miniature"]
MIXTURE = tuple(task.name for task in MINIATURE.multitask_tasks())


def resolve(*names: str, budget: Budget = UNBOUNDED, masked: MaskedWords = DEFAULT_MASKED_WORDS) -> dict[str, Phase]:
    return resolve_phases(names, MINIATURE, mixture=MIXTURE, budget=budget, masked=masked)


def test_every_part_of_a_name_is_read() -> None:
    chain = parse_chain("mnli@en+mnli@sw+squad~freelb~proportional~x2:salt")
    assert chain.ingredients == (Ingredient("mnli", "en"), Ingredient("mnli", "sw"), Ingredient("squad"))
    assert (chain.method, chain.sampler) == ("freelb", "proportional")
    assert (chain.step_multiplier, chain.target_method) == (2, "salt")
    assert chain.tasks == ("mnli", "squad")
    assert chain.phase == "mnli@en+mnli@sw+squad~freelb~proportional~x2"


def test_the_baseline_has_no_phase_but_may_have_a_method_for_its_targets() -> None:
    chain = parse_chain("none:layers")
    assert chain.ingredients == () and chain.phase == "none" and chain.target_method == "layers"


@pytest.mark.parametrize(
    ("name", "multiplier", "is_plain"),
    [
        ("none", 1, True),
        ("none~x2", 2, True),
        ("none~x99", 99, True),
        ("none:salt", 1, False),
        ("none~x2:salt", 2, False),
    ],
)
def test_a_baseline_may_train_its_targets_for_longer(name: str, multiplier: int, is_plain: bool) -> None:
    chain = check_chain(name, MINIATURE, MIXTURE)
    assert chain.ingredients == () and chain.step_multiplier == target_multiplier_of(name) == multiplier
    assert is_baseline(name) == is_plain and not has_phase(name)
    assert resolve(name) == {}


def test_no_chain_with_a_phase_and_no_floor_is_a_baseline() -> None:
    for name in ("mnli~x2", "random-encoder", "sham", "none~x1", "none~x02", "none~fgm", "nonesuch~x2", ""):
        assert not is_baseline(name) and target_multiplier_of(name) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnli~frelb", "did you mean freelb"),
        ("mnli~fgm~pgd", "'pgd' is a second method"),
        ("mnli~x2~x3", "'x3' is a second multiplier"),
        ("mnli:salty", "did you mean salt"),
        ("mnli:", "unknown method ''"),
        ("mnli+", "'' is not an ingredient"),
        ("mnli@", "'mnli@' is not an ingredient"),
        ("mnli+mnli", "names an ingredient twice"),
        ("none+mnli", "'none' is not a task: it cannot be mixed"),
        ("multitask@sw", "'multitask' is not a task: it cannot be mixed"),
        ("none~fgm", "no intermediate phase; leave out what follows '~'. `none` takes a multiplier only"),
        ("none~x2~x3", "'x3' is a second multiplier"),
        ("none~x2~freelb", "`none` takes a multiplier only"),
        ("none~x1", "'none~x1' means 'none': leave out ~x1"),
        ("none~x1:salt", "'none~x1:salt' means 'none:salt'"),
        ("none~x100", "unknown method or sampler 'x100'"),
        ("random-encoder~x2", "no intermediate phase; leave out what follows '~'.$"),
        ("mnli~uniform", "a sampler needs a mix"),
        ("mnli~x0", "unknown method or sampler 'x0'"),
        ("mnli|mnli", "merges 'mnli' with itself"),
        ("mnli|none", "'none' is no phase, and only phases are merged"),
        ("mnli|", "'' is no phase"),
        ("mnli|squad:salty", "did you mean salt"),
        ("hub:a/b/c", "names no ready encoder; write hub:ORG/NAME"),
        ("folder:", "names no ready encoder"),
        ("folder:a b", "names no ready encoder"),
        ("hub:a/b@", "names no ready encoder"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_chain(name)


def test_a_merge_has_the_tasks_of_its_members_and_trains_nothing() -> None:
    chain = parse_chain("mnli~x2|squad+ccg:salt")
    assert [member.name for member in chain.members] == ["mnli~x2", "squad+ccg"]
    assert (chain.phase, chain.target_method) == ("mnli~x2|squad+ccg", "salt")
    assert chain.tasks == ("mnli", "squad", "ccg")
    assert not chain.ingredients and not chain.is_trained and has_phase(chain.name)


@pytest.mark.parametrize("name", ["hub:org/x-r.v1", "hub:bare", "hub:org/x@0123abc", "folder:my_mnli.2"])
def test_a_ready_encoder_is_a_phase_with_a_colon_in_its_name(name: str) -> None:
    chain = check_chain(f"{name}:salt", MINIATURE, MIXTURE)
    assert (chain.ready, chain.phase, chain.target_method) == (name, name, "salt")
    assert parse_chain(name).target_method is None and has_phase(name) and not chain.is_trained
    merge = parse_chain(f"mnli|{name}:layers")
    assert (merge.phase, merge.target_method) == (f"mnli|{name}", "layers")
    assert [member.ready for member in merge.members] == [None, name]


def test_a_merge_is_the_same_in_any_order_and_brings_its_members() -> None:
    phases = resolve("mnli|squad", "mnli")
    assert list(phases) == ["mnli", "squad", "mnli|squad"]
    with pytest.raises(UsageError, match=r"'mnli\|squad' and 'squad\|mnli' mean the same phase"):
        resolve("mnli|squad", "squad|mnli")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnli|sqaud", "did you mean squad"),
        ("mnil+squad", "did you mean mnli or mlm"),
        ("mnli@xx", "unknown training language of mnli 'xx'"),
        ("multitask~synonyms", "synonyms cannot train tasks of kind tagging"),
        ("mnli+sham", "sham is a control of its own and is mixed with no other task"),
        ("sham+mlm", "sham is a control of its own"),
        ("sham~freelb", "masked words are trained plainly"),
        ("mlm~freelb", "masked words are trained plainly"),
        ("sham@qna", "unknown training language of sham"),
        ("random-encoder", "add it with --floor"),
        ("random-encoder:salt", "add it with --floor"),
        (
            "+".join(f"{task}@{name}" for task in MIXTURE for name in ("qna", "qmb")),
            "the name of a chain has at most 180",
        ),
    ],
)
def test_tasks_and_languages_are_looked_up(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_chain(name, MINIATURE, MIXTURE)


def test_a_plain_phase_has_the_recipe_of_its_task() -> None:
    recipe = MINIATURE.intermediates["mnli"].recipe
    assert recipe is not None
    assert resolve("mnli")["mnli"].recipe["steps"] == recipe.steps
    assert set(resolve("mnli")["mnli"].recipe) - {"ingredients"} == set(list_key_fields(recipe))


def test_the_order_of_a_mix_does_not_matter() -> None:
    assert resolve("squad+mnli")["squad+mnli"].recipe == resolve("mnli+squad")["mnli+squad"].recipe
    with pytest.raises(UsageError, match="mean the same phase"):
        resolve("squad+mnli", "mnli+squad")


def test_a_mix_has_the_mixtures_recipe_and_a_sampler() -> None:
    phases = resolve("multitask", "multitask~uniform", "multitask~proportional")
    assert [phase.recipe["sampler"]["exponent"] for phase in phases.values()] == [0.5, 0.0, 1.0]
    assert [phase.recipe["sampler"]["cap"] for phase in phases.values()] == [MINIATURE.mixture.cap, None, None]
    assert {name for name, _ in phases["multitask"].recipe["ingredients"]} == set(MIXTURE)
    squad = MINIATURE.intermediates["squad"].recipe
    assert squad is not None
    assert phases["multitask"].recipe["inputs"]["squad"] == [squad.max_length, squad.stride]  # so they are in the key


def test_a_budget_makes_phases_alike_in_steps_and_examples() -> None:
    phases = resolve("mnli", "hellaswag", "mnli+squad", "multitask", "mnli~x2", budget=Budget(steps=300, examples=2000))
    assert [phase.recipe["steps"] for phase in phases.values()] == [300, 300, 300, 300, 600]
    assert len({phase.recipe["batch_size"] for phase in phases.values()}) == 1
    assert {phase.recipe["examples"] for phase in phases.values()} == {2000}


def test_every_setting_of_a_method_is_part_of_the_recipe() -> None:
    for name, method in METHODS.items():
        if not method.unsuited_kinds.get("pair"):
            recipe = resolve(f"mnli~{name}")[f"mnli~{name}"].recipe
            assert recipe["method"] == {"name": name, **method.settings}
            assert passes_of(recipe) == method.passes
    assert passes_of(resolve("mnli")["mnli"].recipe) == passes_of(None) == 1.0


def test_chains_of_one_phase_share_it() -> None:
    assert set(resolve("none", "mnli", "mnli:layers", "none:layers")) == {"mnli"}


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=list(BENCHMARKS))
def test_the_sham_trains_as_many_steps_as_mnli_and_is_no_filler_beside_tasks(benchmark: Benchmark) -> None:
    phases = resolve_phases(("mnli", "sham"), benchmark, mixture=(), budget=UNBOUNDED, masked=DEFAULT_MASKED_WORDS)
    mnli, sham = (dict(phases[name].recipe) for name in ("mnli", "sham"))
    assert mnli.pop("ingredients") == [["mnli", "en"]] and sham.pop("ingredients") == [["sham", "en"]]
    assert mnli == sham and "masked" not in sham
    task = benchmark.intermediates["sham"]
    assert task.is_control and task.training_languages == ("en",) and task.text_task == "mnli"
    assert task.is_opt_in == benchmark.intermediates["random"].is_opt_in
    assert "sham" not in {each.name for each in benchmark.multitask_tasks()}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_masked_words_share_the_steps_with_something(share: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        MaskedWords(share=share)


def test_a_method_trains_a_mix_of_tasks_that_all_suit_it() -> None:
    assert check_chain("multitask~freelb", MINIATURE, MIXTURE).method == "freelb"
    assert check_chain("multitask~synonyms", MINIATURE, ("mnli", "squad")).method == "synonyms"


def test_the_order_of_languages_does_not_matter() -> None:
    with pytest.raises(UsageError, match=r"'mnli@qna\+mnli@qmb' and 'mnli@qmb\+mnli@qna' mean the same phase"):
        resolve("mnli@qna+mnli@qmb", "mnli@qmb+mnli@qna")


@pytest.mark.parametrize(("name", "twice"), [("mnli+mnli@en", "mnli@en"), ("squad+mlm+mlm@qmb", "mlm@qmb")])
def test_no_rows_are_in_a_mix_twice(name: str, twice: str) -> None:
    with pytest.raises(UsageError, match=f"names {twice} twice"):
        resolve(name)


def test_every_ingredient_gets_an_example() -> None:
    assert resolve("mnli+squad", budget=Budget(examples=2))["mnli+squad"].recipe["examples"] == 2
    with pytest.raises(
        UsageError, match="has 2 ingredients and needs an example of each: a budget of 1 examples is too small"
    ):
        resolve("mnli+squad", budget=Budget(examples=1))


@pytest.mark.parametrize("fields", [{"steps": 0}, {"examples": -1}, {"steps": True}, {"steps": 1.5}])
def test_a_budget_is_of_whole_numbers(fields: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="must be a whole number of at least 1"):
        Budget(**fields)

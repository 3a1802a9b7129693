"""Precision and memory: what may change how a run is computed, and must not change what is computed."""

import dataclasses
from contextlib import nullcontext

import pytest
import torch

from spaces.encoders import PIECE_VALUES, PROFILES, EncoderProfile
from tests.trainables.trainings import drop_nothing, training_of
from trainables.features.features import Feature
from trainables.models.encoder import load_encoder
from trainables.training.evaluation import evaluate
from trainables.training.fine_tuning import FineTuning
from trainables.worker.memory import copy_to_host, try_within_memory

KINDS = ["mnli", "csqa", "ccg", "squad"]


class SmallDevice:
    """A device that holds so many sub-tokens at a time and runs out of memory above that."""

    def __init__(self, training: FineTuning, tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        logits = training.encoder.__class__.compute_logits

        def limited(
            encoder: object, head: object, batch: dict[str, torch.Tensor], words: object = None
        ) -> torch.Tensor:
            self.sizes.append(batch["input_ids"].numel())
            if self.sizes[-1] > tokens:
                raise torch.OutOfMemoryError("made up")
            return logits(encoder, head, batch, words)  # type: ignore[arg-type]

        monkeypatch.setattr(training.encoder.__class__, "compute_logits", limited)


def gradients(training: FineTuning, features: list[Feature]) -> list[torch.Tensor]:
    training._compute_gradients(0, features)
    return [weight.grad for weight in training.model.parameters() if weight.grad is not None]


@pytest.mark.parametrize("profile", [PROFILES["miniature"], PROFILES["pretrained"]], ids=lambda profile: profile.name)
@pytest.mark.parametrize("name", KINDS)
def test_half_the_micro_batch_gives_the_same_step(
    name: str, profile: EncoderProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Memory runs out once: the batch is done in halves, and the effective batch stays what it was.
    plain, short = (drop_nothing(training_of(name, profile=profile)) for _ in range(2))
    losses = [plain._update(*plain.batches.batch_at(0))]
    plain_grads = [weight.grad for weight in plain.model.parameters()]
    _, features = short.batches.batch_at(0)
    rows = sum(len(feature.rows) for feature in features)
    SmallDevice(short, rows * max(feature.length for feature in features) - 1, monkeypatch)
    losses.append(short._update(0, features))
    assert short.note == "memory ran out: 4 of 8 examples at a time" and plain.note is None
    torch.testing.assert_close(*losses)
    for plain_grad, short_grad in zip(plain_grads, (weight.grad for weight in short.model.parameters()), strict=True):
        torch.testing.assert_close(plain_grad, short_grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_a_batch_in_pieces_gives_the_same_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, pieces = (drop_nothing(training_of(name)) for _ in range(2))
    assert whole.piece_tokens == PIECE_VALUES // whole.encoder.width
    expected, (_, features) = gradients(whole, whole.batches.batch_at(0)[1]), pieces.batches.batch_at(0)
    largest = max(len(feature.rows) * feature.length for feature in features)
    pieces.piece_tokens = largest  # one example at least
    device = SmallDevice(pieces, largest, monkeypatch)
    torch.testing.assert_close(gradients(pieces, features), expected, rtol=1e-4, atol=1e-6)
    assert len(device.sizes) > 1 and pieces.note is None


@pytest.mark.parametrize("name", KINDS)
def test_in_bf16_micro_batches_agree_as_far_as_its_digits_go(name: str) -> None:
    training = drop_nothing(training_of(name, profile=PROFILES["pretrained"], precision="bf16"))
    _, features = training.batches.batch_at(0)
    whole = gradients(training, features)
    training.micro_batch = 2
    parts = gradients(training, features)
    whole_norm = torch.stack([grad.norm() for grad in whole]).norm()
    gaps = [(whole_grad - part_grad).norm() for whole_grad, part_grad in zip(whole, parts, strict=True)]
    difference = torch.stack(gaps).norm()
    assert difference < 0.03 * whole_norm


def test_one_example_that_does_not_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    training = training_of("mnli")
    device = SmallDevice(training, 1, monkeypatch)
    with pytest.raises(torch.OutOfMemoryError):
        training.advance()
    assert training.micro_batch == 1 and len(device.sizes) == 4  # of 8, 4, 2 and 1 examples
    with pytest.raises(torch.OutOfMemoryError):
        training.evaluate(training.selection.dev_sets[0])


def test_memory_is_freed_after_the_error_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    # The error's traceback holds the frames, and these hold what lay in memory.
    freed = []

    class Tensor:
        def __del__(self) -> None:
            freed.append("tensor")

    def fail() -> int:
        held = Tensor()
        raise torch.OutOfMemoryError(str(bool(held)))

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: freed.append("cache"))
    assert try_within_memory(fail, reraise=False) is None
    assert freed == ["tensor", "cache"]
    assert try_within_memory(lambda: 3, reraise=True) == 3


@pytest.mark.parametrize("name", KINDS)
def test_predictions_do_not_depend_on_the_evaluation_batch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    training = training_of(name)
    for _ in range(3):
        training.advance()
    dev = training.selection.dev_sets[0]
    longest = max(feature.length for feature in dev.features)
    device = SmallDevice(training, 10**9, monkeypatch)
    results = []
    for tokens in (1, 3 * longest, 10 * longest, 10**9):
        device.sizes.clear()
        results.append(evaluate(training.encoder, training.heads[0], dev, tokens))
        assert max(device.sizes) <= max(tokens, len(dev.features[0].rows) * longest)  # one example at the least
    assert all(result.predictions == results[0].predictions for result in results)
    assert len(device.sizes) == 1  # everything fitted at last


def test_evaluation_goes_on_with_less_when_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    training = training_of("squad")
    dev = training.selection.dev_sets[0]
    expected = training.evaluate(dev)
    assert training.note is None
    device = SmallDevice(training, 1000, monkeypatch)
    assert training.evaluate(dev).predictions == expected.predictions
    assert max(device.sizes) > 1000  # it was tried
    assert training.note == f"memory ran out: evaluation of {training.eval_batch_tokens} sub-tokens at a time"
    device.sizes.clear()
    training.evaluate(dev)
    assert max(device.sizes) <= 1000  # and is not tried again


def test_what_fits_is_known_after_an_interruption() -> None:
    first, second = training_of("squad"), training_of("squad")
    first.micro_batch = 2
    second.continue_from(first.take_state())
    assert second.micro_batch == 2 and second.note == first.note == "memory ran out: 2 of 8 examples at a time"


def test_a_gpus_random_state_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    training = training_of("csqa")
    gpu = {"now": torch.tensor([1, 2, 3], dtype=torch.uint8)}
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: gpu["now"])
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: gpu.update(now=state))
    assert "random.cuda" not in training.take_state().tensors
    monkeypatch.setattr(type(training.encoder), "device", torch.device("cuda"))
    state = training.take_state()
    gpu["now"] = torch.tensor([9], dtype=torch.uint8)
    training.continue_from(state)
    assert gpu["now"].tolist() == [1, 2, 3]
    kept = {name: value for name, value in state.tensors.items() if name != "random.cuda"}
    state = dataclasses.replace(state, tensors=kept)  # of a run that was begun on the CPU
    training.continue_from(state)
    assert gpu["now"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda profile: profile.name)
@pytest.mark.parametrize("name", KINDS)
def test_bf16_multiplies_in_16_bits_and_keeps_32(name: str, profile: EncoderProfile) -> None:
    exact, short = (training_of(name, profile=profile, precision=precision) for precision in ("fp32", "bf16"))
    seen: list[torch.dtype] = []
    for module in short.encoder.model.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    losses = [training._update(*training.batches.batch_at(0)) for training in (exact, short)]
    assert set(seen) == {torch.bfloat16}
    assert not torch.equal(*losses)
    torch.testing.assert_close(*losses, rtol=0.05, atol=0.05)
    assert {value.dtype for value in short.take_state().tensors.values() if value.is_floating_point()} == {
        torch.float32,
        torch.float64,  # the curve
    }
    seen.clear()
    short.advance()
    assert set(seen) == {torch.bfloat16}


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda profile: profile.name)
@pytest.mark.parametrize("name", KINDS)
def test_heads_compute_in_32_bits(name: str, profile: EncoderProfile) -> None:
    # In training and in evaluation: of logits in 16 bits, whole answers score the same.
    training = training_of(name, profile=profile, precision="bf16")
    seen: list[torch.Tensor] = []
    for module in training.heads.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda module, inputs, output: seen.append(output))
    training._update(*training.batches.batch_at(0))
    trained = len(seen)
    training.evaluate(training.selection.dev_sets[0])
    assert 0 < trained < len(seen) and {logits.dtype for logits in seen} == {torch.float32}


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda profile: profile.name)
@pytest.mark.parametrize("name", [*KINDS, "mlm"])
def test_a_step_stays_on_its_device_and_waits_for_nothing(
    name: str, profile: EncoderProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The device `meta` has no values: to ask for one is an error there, and so is most that mixes it with the CPU.
    training = training_of(name, profile=profile)
    training.model.to("meta")
    training.weights.trained = list(training.model.parameters())  # those on the CPU were replaced
    training.optimizer = torch.optim.AdamW(training.weights.trained)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # it does not know this device
    assert training._update(*training.batches.batch_at(0)).device.type == "meta"
    weights = [weight for weight in training.model.parameters() if weight.requires_grad]
    assert all(weight.grad is not None and weight.grad.device.type == "meta" for weight in weights)


def test_the_best_weights_leave_the_device() -> None:
    training = training_of("csqa")
    training.model.to("meta")
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        copy_to_host(training.model.state_dict())


def test_attention_is_the_fused_one(encoder_folder: object) -> None:
    for seed in (None, 0):
        encoder = load_encoder(str(encoder_folder), precision="bf16", random_seed=seed)
        assert encoder.model.config._attn_implementation == "sdpa" and encoder.precision == "bf16"
        assert {weight.dtype for weight in encoder.model.parameters()} == {torch.float32}

"""Pretraining of the miniature's encoder: masked words in single texts and in translation pairs.

Progress is counted in tenths of the schedule. A run that is cut after any tenth and continued from its state ends
bit-equal to one that never stopped: order of the data, masks and learning rate are functions of seed and step, so only
weights and optimizer moments have to be kept.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase, XLMRobertaConfig, XLMRobertaModel

from spaces.encoders import MiniatureRecipe
from spaces.stage import TENTHS
from trainables.features.features import IGNORED, Ids, pad
from trainables.kinds.mlm import MASKED_SHARE, REPLACED_SHARE
from trainables.models.encoder import choose_device
from trainables.models.masked_words import MaskedWordHead
from trainables.record.checkpoints import TrainingState
from trainables.training.optimizer import dump_optimizer, restore_optimizer
from trainables.training.schedule import rate_factor
from trainables.training.state_tensors import select_by_prefix
from trainables.worker.heartbeat import beat
from trainables.worker.stage_clock import count, spend

WARMUP = 0.06  # share of the steps in which the learning rate rises; then it falls linearly to 0
BETAS, WEIGHT_DECAY, CLIP = (0.9, 0.98), 0.01, 1.0
BUCKET = 50  # batches sorted by length together: enough to save padding, few enough to stay mixed
SCORE_BATCH = 64  # held-out texts per batch


class Pretraining:
    """A pretraining run of ten tenths. `encoder` and `head` are the current result at any time.

    A text is a row of token ids, special tokens included. A pair of translations is one text, so the words of one side
    help to guess those of the other. The `held_out` texts are scored after each tenth, always with the same masks.
    Raises ValueError if there are no texts, no held-out texts, or fewer steps than tenths.
    """

    def __init__(
        self,
        config: XLMRobertaConfig,
        tokenizer: PreTrainedTokenizerBase,
        texts: Sequence[Ids],
        held_out: Sequence[Ids],
        recipe: MiniatureRecipe,
        seed: int,
    ) -> None:
        if not held_out:
            raise ValueError("there are no held-out texts to score on.")
        self.tokenizer, self.recipe, self.seed = tokenizer, recipe, seed
        self.texts, self.held_out = texts, held_out
        self.tenth, self.curve = 0, list[float]()
        self.batches = plan_batches([len(text) for text in texts], recipe, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = XLMRobertaModel(config, add_pooling_layer=False)
            self.head = MaskedWordHead(config.hidden_size, config.vocab_size)
        self.head.is_trained = True
        self.model = nn.ModuleDict({"encoder": self.encoder, "head": self.head})
        self.device = choose_device()
        self.model.to(self.device)
        self.weights = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(
            self.weights, lr=recipe.learning_rate, betas=BETAS, weight_decay=WEIGHT_DECAY, fused=True
        )
        ordinary = set(range(config.vocab_size)) - set(tokenizer.all_special_ids)
        self.ordinary_ids = torch.tensor(sorted(ordinary))  # random replacements are drawn from these
        self.special_mask = torch.zeros(config.vocab_size, dtype=torch.bool)
        self.special_mask[tokenizer.all_special_ids] = True

    def advance(self) -> None:
        """Train the next tenth and add `score()` to the curve; raises ValueError if all ten tenths are done."""
        if self.tenth == TENTHS:
            raise ValueError("this pretraining is finished: all ten tenths are done.")
        steps = self.recipe.steps
        with torch.random.fork_rng(devices=[]):  # dropout, if the config has any, draws from the global state
            torch.manual_seed(self.seed * TENTHS + self.tenth)
            masks = torch.Generator().manual_seed(self.seed * TENTHS + self.tenth)
            self.encoder.train()
            own_steps = range(self.tenth * steps // TENTHS, (self.tenth + 1) * steps // TENTHS)
            count(0, len(own_steps))
            for number, step in enumerate(own_steps, start=1):
                self._step(step, masks)
                beat()
                count(number, len(own_steps))
        self.tenth += 1
        with spend("dev"):
            self.curve.append(self.score())

    def _step(self, step: int, masks: torch.Generator) -> None:
        loss, _, _ = self._compute_loss([self.texts[index] for index in self.batches[step]], masks)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, CLIP)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * rate_factor(step, self.recipe.steps, WARMUP)
        self.optimizer.step()

    def _compute_loss(self, texts: Sequence[Ids], masks: torch.Generator) -> tuple[Tensor, int, int]:
        """Return a batch's loss, its number of masked words guessed right, and its number of masked words."""
        pad_id = self.tokenizer.pad_token_id
        ids = pad(texts, pad_id)
        # Masks are drawn on the CPU, so they do not depend on the model's device.
        inputs, targets = (tensor.to(self.device) for tensor in self._mask_tokens(ids, masks))
        hidden = self.encoder(inputs, attention_mask=(ids != pad_id).long().to(self.device)).last_hidden_state
        masked = targets != IGNORED
        logits = self.head(hidden[masked], self.encoder.embeddings.word_embeddings.weight)
        loss = functional.cross_entropy(logits, targets[masked]) if bool(masked.any()) else logits.sum()
        return loss, int((logits.argmax(-1) == targets[masked]).sum()), int(masked.sum())

    def _mask_tokens(self, ids: Tensor, masks: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return ids with some words hidden, and the hidden words (IGNORED elsewhere), both (rows, length).

        Of the selected words 80 % are masked, 10 % replaced at random and 10 % kept (Devlin et al. 2019).
        """
        chance = torch.rand(ids.shape, generator=masks)
        share = self.recipe.masking
        selected = (chance < share) & ~self.special_mask[ids]
        random = self.ordinary_ids[torch.randint(len(self.ordinary_ids), ids.shape, generator=masks)]
        inputs = torch.where(selected & (chance < MASKED_SHARE * share), self.tokenizer.mask_token_id, ids)
        inputs = torch.where(selected & (chance >= (1 - REPLACED_SHARE) * share), random, inputs)
        return inputs, torch.where(selected, ids, IGNORED)

    @torch.no_grad()
    def score(self) -> float:
        """Return the share (0 to 1) of held-out masked words guessed right, always with the same masks."""
        masks = torch.Generator().manual_seed(0)
        self.encoder.train(False)
        hits = total = 0
        for start in range(0, len(self.held_out), SCORE_BATCH):
            _, batch_hits, words = self._compute_loss(self.held_out[start : start + SCORE_BATCH], masks)
            hits, total = hits + batch_hits, total + words
            beat()
        return hits / total

    def take_state(self) -> TrainingState:
        """Return everything that the next tenth depends on, without copying it."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {**dump_optimizer(self.optimizer), "curve": torch.tensor(self.curve, dtype=torch.float64)}
        return TrainingState(tenth=self.tenth, tensors=tensors)

    def continue_from(self, state: TrainingState) -> None:
        """Continue from a state; raises KeyError, RuntimeError or ValueError for that of another run."""
        self.model.load_state_dict(select_by_prefix(state.tensors, "model."))
        restore_optimizer(self.optimizer, state.tensors)
        self.tenth, self.curve = state.tenth, state.tensors["curve"].tolist()


def plan_batches(lengths: Sequence[int], recipe: MiniatureRecipe, seed: int) -> list[list[int]]:
    """Return the indices of each step's texts: shuffled each epoch, with similar lengths together.

    Raises ValueError if there are no texts, or fewer steps than tenths.
    """
    if not lengths:
        raise ValueError("there are no texts to pretrain on.")
    if recipe.steps < TENTHS:
        raise ValueError(f"steps must be at least {TENTHS}, one per tenth, got {recipe.steps}.")
    generator = torch.Generator().manual_seed(seed)
    size = recipe.batch_size
    batches: list[list[int]] = []
    while len(batches) < recipe.steps:
        shuffled = torch.randperm(len(lengths), generator=generator).tolist()
        epoch: list[list[int]] = []
        for bucket in range(0, len(shuffled), BUCKET * size):
            indices = sorted(shuffled[bucket : bucket + BUCKET * size], key=lambda index: lengths[index])
            epoch += [indices[start : start + size] for start in range(0, len(indices), size)]
        batches += [epoch[index] for index in torch.randperm(len(epoch), generator=generator).tolist()]
    return batches[: recipe.steps]

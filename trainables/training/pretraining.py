"""Pretraining of the miniature's encoder: masked words in single texts and in translation pairs.

Progress is counted in tenths of the schedule. A run that is interrupted after any tenth and continued from `state()`
ends bit-equal to one that never stopped: the order of the data, the masks and the learning rate are functions of seed
and step, so weights and optimizer moments are all that must be kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase, XLMRobertaConfig, XLMRobertaModel

from spaces.encoders import MiniatureRecipe
from spaces.stage import TENTHS
from trainables.features.features import IGNORED
from trainables.models.masked_words import MaskedWordHead
from trainables.training.schedule import rate_factor
from trainables.worker.heartbeat import beat

WARMUP = 0.06  # share of the steps over which the learning rate rises; then it falls linearly to 0
BETAS, WEIGHT_DECAY, CLIP = (0.9, 0.98), 0.01, 1.0
BUCKET = 50  # batches that are sorted by length together: enough to save padding, few enough to stay mixed


@dataclass(frozen=True, slots=True)
class TrainingText:
    """A text, or a pair of translations, as token ids without special tokens.

    A pair is one input `<s> first </s></s> second </s>`, so that the words of one side help to guess the other's.
    """

    first: Sequence[int]
    second: Sequence[int] = ()

    def __len__(self) -> int:
        """Tokens of the input, special tokens included."""
        return len(self.first) + 2 + (len(self.second) + 2 if self.second else 0)


class Pretraining:
    """One pretraining run: call `advance()` ten times; `encoder` and `head` are the result at any time.

    `held_out` texts are scored after each tenth, always with the same masks.

    Raises ValueError without texts, without held-out texts, and for fewer steps than tenths.
    """

    def __init__(
        self,
        config: XLMRobertaConfig,
        tokenizer: PreTrainedTokenizerBase,
        texts: Sequence[TrainingText],
        held_out: Sequence[TrainingText],
        recipe: MiniatureRecipe,
        seed: int,
    ) -> None:
        if not held_out:
            raise ValueError("there are no held-out texts to score on.")
        self.tokenizer = tokenizer
        self.recipe, self.seed = recipe, seed
        self.texts = texts
        self.held_out = held_out
        self.tenth = 0
        self.batches = plan_batches([len(text) for text in texts], recipe, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = XLMRobertaModel(config, add_pooling_layer=False)
            self.head = MaskedWordHead(config.hidden_size, config.vocab_size)
        self.head.is_trained = True
        self.model = nn.ModuleDict({"encoder": self.encoder, "head": self.head})
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(self.device)
        self.weights = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(
            self.weights, lr=recipe.learning_rate, betas=BETAS, weight_decay=WEIGHT_DECAY, fused=True
        )
        ids = set(range(config.vocab_size)) - set(tokenizer.all_special_ids)
        self.ordinary_ids = torch.tensor(sorted(ids))  # random replacements are drawn from these
        self.special_mask = torch.zeros(config.vocab_size, dtype=torch.bool)
        self.special_mask[tokenizer.all_special_ids] = True

    def advance(self) -> float:
        """Run the next tenth of the schedule; return the share of held-out masked words that are guessed right."""
        if self.tenth == TENTHS:
            raise ValueError("this pretraining is finished: all ten tenths are done.")
        steps = self.recipe.steps
        with torch.random.fork_rng(devices=[]):  # dropout, if the config has any, draws from the global state
            torch.manual_seed(self.seed * TENTHS + self.tenth)
            masks = torch.Generator().manual_seed(self.seed * TENTHS + self.tenth)
            self.encoder.train()
            for step in range(self.tenth * steps // TENTHS, (self.tenth + 1) * steps // TENTHS):
                self._step(step, masks)
                beat()
        self.tenth += 1
        return self.score()

    def _step(self, step: int, masks: torch.Generator) -> None:
        loss, _, _ = self._compute_loss([self.texts[index] for index in self.batches[step]], masks)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, CLIP)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * rate_factor(step, self.recipe.steps, WARMUP)
        self.optimizer.step()

    def _compute_loss(self, texts: Sequence[TrainingText], masks: torch.Generator) -> tuple[Tensor, int, int]:
        """Return the loss of a batch, the number of masked words guessed right, and the number of masked words."""
        ids, attention = self._build_inputs(texts)
        # Masks are drawn on the CPU, so that they are the same wherever the model is.
        inputs, targets = (tensor.to(self.device) for tensor in self._mask_tokens(ids, masks))
        hidden = self.encoder(inputs, attention_mask=attention.to(self.device)).last_hidden_state
        masked = targets != IGNORED
        logits = self.head(hidden[masked], self.encoder.embeddings.word_embeddings.weight)
        loss = functional.cross_entropy(logits, targets[masked]) if bool(masked.any()) else logits.sum()
        return loss, int((logits.argmax(-1) == targets[masked]).sum()), int(masked.sum())

    def _build_inputs(self, texts: Sequence[TrainingText]) -> tuple[Tensor, Tensor]:
        """Return padded ids and attention, both (rows, length)."""
        start, end = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        rows = [[start, *text.first, end, *([end, *text.second, end] if text.second else [])] for text in texts]
        longest = max(map(len, rows))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
        return ids, (ids != pad).long()

    def _mask_tokens(self, ids: Tensor, masks: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return ids with some words hidden, and the hidden words (IGNORED elsewhere), both (rows, length).

        Of the chosen words 80 % are masked, 10 % replaced at random and 10 % kept (Devlin et al. 2019).
        """
        chance = torch.rand(ids.shape, generator=masks)
        share = self.recipe.masking
        chosen = (chance < share) & ~self.special_mask[ids]
        random = self.ordinary_ids[torch.randint(len(self.ordinary_ids), ids.shape, generator=masks)]
        inputs = torch.where(chosen & (chance < 0.8 * share), self.tokenizer.mask_token_id, ids)
        inputs = torch.where(chosen & (chance >= 0.9 * share), random, inputs)
        return inputs, torch.where(chosen, ids, IGNORED)

    @torch.no_grad()
    def score(self) -> float:
        """Return the share (0 to 1) of held-out masked words that are guessed right, always under the same masks."""
        masks = torch.Generator().manual_seed(0)
        self.encoder.train(False)
        right = total = 0
        for begin in range(0, len(self.held_out), 64):
            _, hits, words = self._compute_loss(self.held_out[begin : begin + 64], masks)
            right, total = right + hits, total + words
            beat()
        return right / total

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of everything that a later `load_state` needs to continue bit-equal."""
        state = {f"model.{name}": tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        for index, weight in enumerate(self.weights):
            for name, tensor in self.optimizer.state[weight].items():
                state[f"optimizer.{index}.{name}"] = tensor.detach().clone()
        state["tenth"] = torch.tensor(self.tenth)
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from `state()` of a run with the same config, texts, recipe and seed."""
        self.tenth = int(state["tenth"])
        self.model.load_state_dict(
            {name.removeprefix("model."): tensor for name, tensor in state.items() if name.startswith("model.")}
        )
        for index, weight in enumerate(self.weights):
            prefix = f"optimizer.{index}."
            self.optimizer.state[weight] = {
                name.removeprefix(prefix): tensor.clone().to(weight.device)
                for name, tensor in state.items()
                if name.startswith(prefix)
            }


def plan_batches(lengths: Sequence[int], recipe: MiniatureRecipe, seed: int) -> list[list[int]]:
    """Return the indices of each step's texts: shuffled each epoch, with similar lengths together.

    Raises ValueError when there is nothing to train on, or fewer steps than tenths.
    """
    if not lengths:
        raise ValueError("there are no texts to pretrain on.")
    if recipe.steps < TENTHS:
        raise ValueError(f"steps must be at least {TENTHS}, since progress is counted in tenths, got {recipe.steps}.")
    generator = torch.Generator().manual_seed(seed)
    size = recipe.batch_size
    batches: list[list[int]] = []
    while len(batches) < recipe.steps:
        shuffled = torch.randperm(len(lengths), generator=generator).tolist()
        epoch: list[list[int]] = []
        for begin in range(0, len(shuffled), BUCKET * size):
            indices = sorted(shuffled[begin : begin + BUCKET * size], key=lambda index: lengths[index])
            epoch += [indices[start : start + size] for start in range(0, len(indices), size)]
        batches += [epoch[index] for index in torch.randperm(len(epoch), generator=generator).tolist()]
    return batches[: recipe.steps]

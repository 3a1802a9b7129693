"""Pretraining of the project's own small encoders: masked words in single texts and in translation pairs.

It works on token ids, so it serves the miniature and real text alike. Progress is counted in tenths of the schedule.
A run that is interrupted after any tenth and continued from `state()` ends bit-equal to one that never stopped: the
order of the data, the masks and the learning rate are functions of seed and step, so that the weights and the moments
of the optimizer are all there is to keep.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase, XLMRobertaConfig, XLMRobertaModel

from spaces.stage import TENTHS
from trainables.features import IGNORED
from trainables.heartbeat import beat
from trainables.masked_words import MaskedWordHead
from trainables.pretrain_plan import Options, Text, batches, length
from trainables.schedule import rate_factor

__all__ = ["Options", "Pretraining", "Text"]


class Pretraining:
    """One pretraining run: call `advance()` ten times; `encoder` and `head` are the result at any time.

    `held_out` texts are scored after each tenth, always with the same masks. `embeddings` (vocabulary x hidden)
    replaces the random word embeddings at the start; with `options.frozen_embeddings` they stay.
    """

    def __init__(
        self,
        config: XLMRobertaConfig,
        tokenizer: PreTrainedTokenizerBase,
        texts: Sequence[Text],
        held_out: Sequence[Text],
        options: Options,
        embeddings: Tensor | None = None,
    ) -> None:
        if not held_out:
            raise ValueError("there are no held-out texts to score on.")
        self.tokenizer = tokenizer
        self.options = options
        self.texts = texts
        self.held_out = held_out
        self.tenth = 0
        self.plan = batches([length(text) for text in texts], options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.encoder = XLMRobertaModel(config, add_pooling_layer=False)
            self.head = MaskedWordHead(config.hidden_size, config.vocab_size)
        self.head.trained = True
        words = self._words()
        if embeddings is not None:
            with torch.no_grad():
                words.copy_(embeddings)
        words.requires_grad_(not options.frozen_embeddings)
        self.model = nn.ModuleDict({"encoder": self.encoder, "head": self.head})
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(self.device)
        self.weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.weights,
            lr=options.learning_rate,
            betas=options.betas,
            weight_decay=options.weight_decay,
            fused=True,
        )
        ids = set(range(config.vocab_size)) - set(tokenizer.all_special_ids)
        self.ordinary = torch.tensor(sorted(ids))  # what a random replacement is drawn from
        self.special = torch.zeros(config.vocab_size, dtype=torch.bool)
        self.special[tokenizer.all_special_ids] = True

    def _words(self) -> Tensor:
        """The table of word embeddings (vocabulary x hidden)."""
        return self.encoder.embeddings.word_embeddings.weight

    def advance(self) -> float:
        """Runs the next tenth of the schedule; returns the share of held-out masked words guessed right."""
        if self.tenth == TENTHS:
            raise ValueError("this pretraining is finished: all ten tenths are done.")
        steps = self.options.steps
        with torch.random.fork_rng(devices=[]):  # dropout, if the config has any, draws from the global state
            torch.manual_seed(self.options.seed * TENTHS + self.tenth)
            masks = torch.Generator().manual_seed(self.options.seed * TENTHS + self.tenth)
            self.encoder.train()
            for step in range(self.tenth * steps // TENTHS, (self.tenth + 1) * steps // TENTHS):
                self._step(step, masks)
                beat()
        self.tenth += 1
        return self.score()

    def _step(self, step: int, masks: torch.Generator) -> None:
        loss, _, _ = self._loss([self.texts[index] for index in self.plan[step]], masks)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, self.options.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.learning_rate * rate_factor(step, self.options.steps, self.options.warmup)
        self.optimizer.step()

    def _loss(self, texts: Sequence[Text], masks: torch.Generator) -> tuple[Tensor, int, int]:
        """The loss of a batch, how many masked words were guessed right, and how many there were."""
        ids, attention, pairs = self._inputs(texts)
        # Masks are drawn on the CPU, so that they are the same wherever the model is.
        inputs, targets = (tensor.to(self.device) for tensor in self._mask(ids, masks))
        attention = attention.to(self.device)
        output = self.encoder(inputs, attention_mask=attention, output_hidden_states=self.options.contrast > 0)
        asked = targets != IGNORED
        logits = self.head(output.last_hidden_state[asked], self._words())
        loss = functional.cross_entropy(logits, targets[asked]) if bool(asked.any()) else logits.sum()
        if self.options.contrast > 0 and len(pairs) > 1:
            states = output.hidden_states[self.options.contrast_layer]
            loss = loss + self.options.contrast * info_nce(states, attention, pairs, self.options.temperature)
        return loss, int((logits.argmax(-1) == targets[asked]).sum()), int(asked.sum())

    def _inputs(self, texts: Sequence[Text]) -> tuple[Tensor, Tensor, list[tuple[int, int]]]:
        """Padded ids and attention (rows x width), and the two rows of each pair that is not joined."""
        start, end = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        rows: list[list[int]] = []
        pairs: list[tuple[int, int]] = []
        for text in texts:
            rows.append([start, *text.first, end])
            if text.second and text.joined:
                rows[-1] += [end, *text.second, end]
            elif text.second:
                rows.append([start, *text.second, end])
                pairs.append((len(rows) - 2, len(rows) - 1))
        width = max(map(len, rows))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([row + [pad] * (width - len(row)) for row in rows])
        return ids, (ids != pad).long(), pairs

    def _mask(self, ids: Tensor, masks: torch.Generator) -> tuple[Tensor, Tensor]:
        """Ids with some words hidden, and the hidden words (IGNORED elsewhere), both rows x width."""
        chance = torch.rand(ids.shape, generator=masks)
        asked = (chance < self.options.masking) & ~self.special[ids]
        random = self.ordinary[torch.randint(len(self.ordinary), ids.shape, generator=masks)]
        inputs = torch.where(asked & (chance < 0.8 * self.options.masking), self.tokenizer.mask_token_id, ids)
        inputs = torch.where(asked & (chance >= 0.9 * self.options.masking), random, inputs)
        return inputs, torch.where(asked, ids, IGNORED)

    @torch.no_grad()
    def score(self) -> float:
        """Share (0 to 1) of the held-out masked words that are guessed right, always under the same masks."""
        masks = torch.Generator().manual_seed(0)
        self.encoder.train(False)
        right = asked = 0
        for begin in range(0, len(self.held_out), 64):
            _, hits, words = self._loss(self.held_out[begin : begin + 64], masks)
            right, asked = right + hits, asked + words
            beat()
        return right / asked

    def state(self) -> dict[str, Tensor]:
        """Everything that a later `load_state` needs to continue bit-equal, as copies."""
        state = {f"model.{name}": tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        for index, weight in enumerate(self.weights):
            for name, tensor in self.optimizer.state[weight].items():
                state[f"optimizer.{index}.{name}"] = tensor.detach().clone()
        state["tenth"] = torch.tensor(self.tenth)
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continues from `state()` of a run with the same config, texts and options."""
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


def info_nce(states: Tensor, attention: Tensor, pairs: Sequence[tuple[int, int]], temperature: float) -> Tensor:
    """How badly each side finds its partner among the batch's pairs; states are rows x width x hidden."""
    weights = attention.unsqueeze(-1).to(states.dtype)
    pooled = functional.normalize((states * weights).sum(1) / weights.sum(1), dim=-1)
    firsts, seconds = torch.tensor(pairs).T
    likeness = pooled[firsts] @ pooled[seconds].T / temperature
    gold = torch.arange(len(pairs), device=states.device)
    return (functional.cross_entropy(likeness, gold) + functional.cross_entropy(likeness.T, gold)) / 2

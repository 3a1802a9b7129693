"""A pretrained encoder on real translations, where both are at hand: it knows what no random encoder knows."""

from pathlib import Path
from statistics import mean

from spaces.encoders import PROFILES
from spaces.xtreme import TARGETS
from trainables.data import real_data
from trainables.features.examples import ParallelPool
from trainables.models.encoder import load_encoder
from trainables.retrieval.embeddings import Embedder
from trainables.retrieval.retrieval import retrieve

SENTENCES = 30  # of the 1,000 of a pool
LANGUAGES = ("de", "ru", "zh", "ar")


def test_a_pretrained_encoder_aligns_languages_and_a_random_one_does_not(real: Path, real_encoder: Path) -> None:
    task, accuracy = TARGETS["tatoeba"], {}
    for name, random_seed in (("pretrained", None), ("random", 0)):
        embedder = Embedder(load_encoder(str(real_encoder), random_seed=random_seed))
        scores = []
        for language in LANGUAGES:
            pool = real_data.load_pool(task, "test", language, origin=real)
            assert isinstance(pool, ParallelPool)
            short = ParallelPool(pool.queries[:SENTENCES], pool.candidates[:SENTENCES], gold=tuple(range(SENTENCES)))
            assert pool.gold[:SENTENCES] == short.gold, "Tatoeba is aligned line by line"
            scores.append(retrieve(embedder, task, PROFILES["pretrained"], short).metrics["accuracy"])
        accuracy[name] = mean(scores)
    assert accuracy["pretrained"] > 0.6 > 0.3 > accuracy["random"]  # one in 30 by chance

"""Kinds of files in a results folder, by their names alone."""

import pytest

from search.sweep.disk import kind_of, stage_of, sum_by_kind

STAGE = "stages/0123456789abcdef"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"{STAGE}/checkpoint/state.safetensors", "checkpoints"),
        (f"{STAGE}/encoder/model.safetensors", "encoders"),
        (f"{STAGE}/scores.parquet", "scores"),
        (f"{STAGE}/predictions.parquet", "predictions"),
        (f"{STAGE}/probes.parquet", "probes"),
        (f"{STAGE}/outcome.json", "specifications, outcomes and the sweeps' own"),
        (f"{STAGE}/checkpoint/.state.safetensors.417", "temporary files"),
        (f"{STAGE}/.encoder.417/model.safetensors", "temporary files"),
        (f"{STAGE}/.tmpwqmhcI", "temporary files"),
        (f"{STAGE}/checkpoint.damaged/state.safetensors", "set-aside files"),
        (f"{STAGE}/outcome.json.reopened2", "set-aside files"),
        ("encoded/0123/ids.npy", "tokenised tables"),
        ("encoded/.0123.417/ids.npy", "temporary files"),
        ("encoded/0123.damaged/ids.npy", "set-aside files"),
        ("full/sweep.json", "specifications, outcomes and the sweeps' own"),
        ("full/rungs/target.xnli-en.none.0.json", "specifications, outcomes and the sweeps' own"),
        ("full/.sweep.json.417", "temporary files"),
        (".lock", "specifications, outcomes and the sweeps' own"),
        ("stages/not-a-key/checkpoint/state.safetensors", "specifications, outcomes and the sweeps' own"),
    ],
)
def test_a_file_is_known_by_its_name(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_only_a_key_names_a_stage() -> None:
    assert stage_of(f"{STAGE}/spec.json") == "0123456789abcdef"
    assert stage_of("stages/../spec.json") is None
    assert stage_of("stages/0123456789abcdef") is None, "a file in the place of a folder"


def test_kinds_add_up() -> None:
    files = {f"{STAGE}/encoder/a": 3, f"{STAGE}/encoder/b": 4, f"{STAGE}/scores.parquet": 5}
    assert sum_by_kind(files) == {"encoders": (2, 7), "scores": (1, 5)}

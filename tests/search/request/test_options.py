"""The flags and the record of their values have the same names and defaults."""

import dataclasses

from search.request.options import RunOptions, build_parser, parse_options


def test_every_flag_is_a_field_and_every_field_a_flag() -> None:
    flags = {action.dest for action in build_parser()._actions} - {"help"}
    assert flags == {field.name for field in dataclasses.fields(RunOptions)}


def test_without_flags_the_defaults_hold_and_with_one_only_its_field_changes() -> None:
    assert parse_options([]) == RunOptions()
    assert parse_options(["--gpus-per-trial", "auto"]) == RunOptions(gpus_per_trial="auto")
    assert RunOptions(gpus_per_trial="auto").packs_gpus and not RunOptions(gpus_per_trial=0.5).packs_gpus

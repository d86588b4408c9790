"""The table of stages has a row for every stage of a model, whatever it is made of."""

from dataclasses import replace

import pytest

pytest.importorskip("transformers")

from benchmarks.stagewise import ROWS, row_of
from tests.tiny import CONFIG, knowledge_config, tiny_knowledge_base
from tests.tiny_network import tiny_network


def test_every_stage_has_a_row() -> None:
    config = knowledge_config(CONFIG, tiny_knowledge_base())
    network = tiny_network(replace(config, pair_context=8, pair_reach=1))
    for stage in network.ordered_stages():
        assert row_of(dict.fromkeys(stage.output_names)) in ROWS  # type: ignore[arg-type]

from keci.export.validation import _fastest


def facts(entity: float, relation: float, speed: float) -> dict[str, float]:
    return {"entity_f1": entity, "relation_f1": relation, "sentences_per_second": speed}


def test_the_fastest_that_loses_little_is_chosen() -> None:
    found = {"fp32": facts(88, 76, 200), "w8": facts(87.8, 75.8, 230), "fp16": facts(80, 76, 400)}
    assert _fastest(found) == "w8"


def test_a_loss_in_either_figure_counts() -> None:
    found = {"fp32": facts(88, 76, 200), "w8": facts(88, 75.6, 230)}
    assert _fastest(found) == "fp32"


def test_answers_that_depend_on_the_batch_are_no_default() -> None:
    found = {"fp32": facts(88, 76, 200), "int8": facts(88, 76, 400)}
    assert _fastest(found) == "fp32"


def test_a_bundle_of_one_precision_runs_that() -> None:
    assert _fastest({"int8": facts(88, 76, 400)}) == "int8"

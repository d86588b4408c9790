from collections.abc import Sequence

import torch

from keci.documents import Extraction
from keci.training.targets import Targets, build_targets
from tests.keci.data.annotations import annotate
from tests.tiny import CONFIG, SCHEMA, tiny_builder

EFFECT, DRUG = 1, 2
CAUSED_BY, WITH = 1, 2
TEXT = "rash after abc"
RASH, AFTER, ABC = (0, 4), (5, 10), (11, 14)
BUILDER = tiny_builder(CONFIG, None)


def spans_of(extractions: Sequence[Extraction]) -> list[tuple[int, int, int]]:
    """Document, start and end of each candidate span of the batch."""
    texts = BUILDER.prepare([extraction.document for extraction in extractions])
    return [
        (row, start, end)
        for row, text in enumerate(texts)
        for start, end in zip(text.spans.starts.tolist(), text.spans.ends.tolist(), strict=True)
    ]


def targets_of(extractions: Sequence[Extraction]) -> Targets:
    texts = BUILDER.prepare([extraction.document for extraction in extractions])
    return build_targets(texts, extractions, SCHEMA)


def entities(*extractions: Extraction) -> dict[tuple[int, int, int], int]:
    """The labels that are not "none", by document, start and end."""
    labels = targets_of(extractions).entity_labels.tolist()
    found = zip(spans_of(extractions), labels, strict=True)
    return {span: label for span, label in found if label}


def relations(*extractions: Extraction) -> dict[tuple[tuple[int, ...], tuple[int, ...]], int]:
    """The labels that are not "none" of all pairs of spans, whatever their documents."""
    targets, spans = targets_of(extractions), spans_of(extractions)
    every = torch.arange(len(spans))
    heads, tails = every.repeat_interleave(len(spans)), every.repeat(len(spans))
    labels = targets.pair_labels(every, heads, tails).tolist()
    pairs = zip(heads.tolist(), tails.tolist(), labels, strict=True)
    return {(spans[head], spans[tail]): label for head, tail, label in pairs if label}


def test_mentions_label_their_spans() -> None:
    gold = annotate(TEXT, [(*RASH, "effect"), (*ABC, "drug")])
    assert entities(gold) == {(0, *RASH): EFFECT, (0, *ABC): DRUG}


def test_documents_of_a_batch_keep_their_own_labels() -> None:
    first = annotate(TEXT, [(*RASH, "effect")], document_id="a")
    empty = annotate("", [], document_id="b")
    last = annotate(TEXT, [(*ABC, "drug")], document_id="c")
    assert entities(first, empty, last) == {(0, *RASH): EFFECT, (2, *ABC): DRUG}


def test_the_type_that_the_schema_names_first_wins() -> None:
    for types in (("effect", "drug"), ("drug", "effect")):
        gold = annotate(TEXT, [(*RASH, types[0]), (*RASH, types[1])])
        assert entities(gold) == {(0, *RASH): EFFECT}


def test_mentions_off_word_boundaries_and_of_unknown_types_have_no_label() -> None:
    gold = annotate(TEXT, [(0, 3, "effect"), (*AFTER, "gene"), (*ABC, "drug")])
    assert entities(gold) == {(0, *ABC): DRUG}


def test_a_directed_relation_labels_one_direction() -> None:
    gold = annotate(TEXT, [(*RASH, "effect"), (*ABC, "drug")], [(0, 1, "caused-by")])
    assert relations(gold) == {((0, *RASH), (0, *ABC)): CAUSED_BY}


def test_a_symmetric_relation_labels_both_directions() -> None:
    gold = annotate(TEXT, [(*RASH, "effect"), (*ABC, "effect")], [(1, 0, "with")])
    rash, abc = (0, *RASH), (0, *ABC)
    assert relations(gold) == {(rash, abc): WITH, (abc, rash): WITH}


def test_repeated_mentions_and_relations_label_once() -> None:
    mentions = [(*RASH, "effect"), (*RASH, "effect"), (*ABC, "drug")]
    gold = annotate(TEXT, mentions, [(0, 2, "caused-by"), (1, 2, "caused-by")])
    assert relations(gold) == {((0, *RASH), (0, *ABC)): CAUSED_BY}


def test_the_relation_type_that_the_schema_names_first_wins() -> None:
    mentions = [(*RASH, "effect"), (*ABC, "drug")]
    gold = annotate(TEXT, mentions, [(0, 1, "with"), (0, 1, "caused-by")])
    rash, abc = (0, *RASH), (0, *ABC)
    assert relations(gold) == {(rash, abc): CAUSED_BY, (abc, rash): WITH}


def test_relations_of_lost_mentions_and_unknown_types_have_no_label() -> None:
    mentions = [(0, 3, "effect"), (*RASH, "effect"), (*ABC, "drug")]
    gold = annotate(TEXT, mentions, [(0, 2, "caused-by"), (1, 2, "treats")])
    assert relations(gold) == {}


def test_relations_stay_inside_their_document() -> None:
    plain = annotate(TEXT, [(*RASH, "effect"), (*ABC, "drug")], document_id="a")
    linked = annotate(
        TEXT, [(*RASH, "effect"), (*ABC, "drug")], [(0, 1, "caused-by")], document_id="b"
    )
    assert relations(plain, linked) == {((1, *RASH), (1, *ABC)): CAUSED_BY}


def test_labels_are_looked_up_for_kept_spans() -> None:
    gold = annotate(TEXT, [(*RASH, "effect"), (*ABC, "drug")], [(0, 1, "caused-by")])
    spans = spans_of([gold])
    kept = torch.tensor([spans.index((0, *RASH)), spans.index((0, *ABC))])
    targets = targets_of([gold]).to(torch.device("cpu"))
    assert targets.kept_entity_labels(kept).tolist() == [EFFECT, DRUG]
    pairs = torch.tensor([0, 1]), torch.tensor([1, 0])
    assert targets.pair_labels(kept, *pairs).tolist() == [CAUSED_BY, 0]

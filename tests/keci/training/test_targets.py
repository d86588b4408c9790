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


def bags(*extractions: Extraction) -> dict[tuple[tuple[int, ...], tuple[int, ...]], int]:
    """The bag of each pair of spans that are gold mentions."""
    targets, spans = targets_of(extractions), spans_of(extractions)
    gold = (targets.span_concepts >= 0).nonzero().squeeze(1)
    heads, tails = gold.repeat_interleave(len(gold)), gold.repeat(len(gold))
    every = torch.arange(len(spans))
    found = targets.pair_bags(every, heads, tails).tolist()
    return {
        (spans[head], spans[tail]): bag
        for head, tail, bag in zip(heads.tolist(), tails.tolist(), found, strict=True)
    }


def test_pairs_of_the_same_two_concepts_share_a_bag() -> None:
    text = "rash rash abc"
    first, second, drug = (0, 0, 4), (0, 5, 9), (0, 10, 13)
    same = bags(annotate(text, [(0, 4, "effect"), (5, 9, "effect"), (10, 13, "drug")]))
    assert same[first, drug] == same[second, drug] != same[drug, first]


def test_documents_of_a_batch_share_no_bag() -> None:
    one = annotate(TEXT, [(*RASH, "effect"), (*ABC, "drug")], document_id="a")
    other = annotate(TEXT, [(*RASH, "effect"), (*ABC, "drug")], document_id="b")
    found = bags(one, other)
    assert found[(0, *RASH), (0, *ABC)] != found[(1, *RASH), (1, *ABC)]


def test_a_pair_beside_the_gold_mentions_has_a_bag_of_its_own() -> None:
    targets = targets_of([annotate(TEXT, [(*RASH, "effect"), (*ABC, "drug")])])
    every = torch.arange(len(targets.span_concepts))
    heads, tails = every.repeat_interleave(len(every)), every.repeat(len(every))
    found = targets.pair_bags(every, heads, tails)
    assert len(found.unique()) == len(found)

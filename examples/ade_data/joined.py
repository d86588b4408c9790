"""Short texts of several annotated sentences, so that a model reads these as well."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from keci.documents import Extraction, Mention, Relation


def joined_texts(
    sentences: Sequence[Extraction], *, count: int, most: int, seed: int
) -> Iterator[Extraction]:
    """So many texts of two to ``most`` different sentences each; at least half have a relation.

    Every other text that was drawn without a relation has one of its sentences exchanged for one
    that has, where there is any.
    """
    chance = random.Random(seed)
    related = [sentence for sentence in sentences if sentence.relations]
    for number in range(count):
        drawn = chance.sample(sentences, chance.randint(2, most))
        if number % 2 == 0 and related and not any(sentence.relations for sentence in drawn):
            drawn[chance.randrange(len(drawn))] = chance.choice(related)
        yield join(drawn, f"joined-{number}")


def join(parts: Sequence[Extraction], document_id: str) -> Extraction:
    """The parts as one text, a space between them, with all that they say."""
    text = ""
    mentions: list[Mention] = []
    relations: list[Relation] = []
    for part in parts:
        text += " " if text else ""
        ids = {
            mention.id: f"T{len(mentions) + number}"
            for number, mention in enumerate(part.mentions, start=1)
        }
        mentions += [
            replace(item, id=ids[item.id], start=item.start + len(text), end=item.end + len(text))
            for item in part.mentions
        ]
        for relation in part.relations:
            name = f"R{len(relations) + 1}"
            ends = ids[relation.head], ids[relation.tail]
            relations.append(replace(relation, id=name, head=ends[0], tail=ends[1]))
        text += part.text
    return Extraction(document_id, text, tuple(mentions), tuple(relations))

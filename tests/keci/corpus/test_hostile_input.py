"""Every reader on bytes changed at random: records or failures, never an error, never a hang."""

import bz2
import gzip
import io
import random
import time

import pytest

from keci.corpus.readers import READERS
from keci.corpus.sources import ContentStream, ReadOptions
from keci.documents import Document, Failure

SEEDS = {
    "jsonl": b'{"id": "a", "text": "Aspirin \\u00e9 \xce\xb1"}\n{"id": 2, "text": "B"}\n',
    "pubmed": (
        b"<?xml version='1.0' encoding='utf-8'?><!DOCTYPE PubmedArticleSet SYSTEM 'x.dtd'>"
        b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version='1'>1</PMID><Article>"
        b"<ArticleTitle>A <i>b</i> &amp; &#945;</ArticleTitle><Abstract><AbstractText Label='X'>c"
        b"</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle><DeleteCitation>"
        b"<PMID>2</PMID></DeleteCitation></PubmedArticleSet>"
    ),
    "bioc": (
        b"<collection><document><id>1</id><passage><offset>0</offset><text>A</text></passage>"
        b"<passage><offset>2</offset><text>B</text></passage></document></collection>"
    ),
    "bioc-json": b'{"documents": [{"id": 1, "passages": [{"offset": 0, "text": "A \\" b"}]}]}',
    "jats": (
        b"<article><front><article-meta><article-id pub-id-type='pmc'>1</article-id></article-meta>"
        b"</front><body><sec><title>T</title><p>A<sup>2</sup></p></sec></body></article>"
    ),
    "pubtator": b"1|t|A title\n1|a|Text\n1\t0\t1\tA\tGene\t5\n\n2|t|B\n",
    "text": b"Aspirin helps. \xce\xb1",
    "brat": b"Aspirin helps. \xce\xb1",
}
PACKINGS = {"plain": lambda content: content, "gzip": gzip.compress, "bzip2": bz2.compress}


def mutated(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        span = slice(place, place + chance.randint(0, 12))
        changed[span] = chance.choice(
            [
                b"",
                bytes(chance.randrange(256) for _ in range(chance.randint(1, 4))),
                chance.choice([b"<", b">", b"&", b'"', b"\\", b"{", b"]", b"|t|", b"\x00", b"\n"]),
                bytes(changed[span]) * chance.choice([2, 200]),
            ]
        )
    return bytes(changed)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", SEEDS)
def test_mutated_bytes_give_records_or_failures(name: str, packing: str) -> None:
    chance = random.Random(f"{name} {packing}")
    read = READERS[name.removesuffix("-json")]
    options = ReadOptions(max_record_bytes=10_000)
    started = time.perf_counter()
    for _ in range(300):
        content = mutated(PACKINGS[packing](SEEDS[name]), chance)
        stream = ContentStream(io.BufferedReader(io.BytesIO(content)))
        for record in read(stream, "in", options):
            assert isinstance(record, Document | Failure)
            record_text = record.text if isinstance(record, Document) else record.reason
            record_text.encode("utf-8")
            record.id.encode("utf-8")
    assert time.perf_counter() - started < 5

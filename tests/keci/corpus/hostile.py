"""Inputs that nobody would write: small ones of every format, mutated at random.

An input is a function of its seed, so that one that breaks a reader can be made again.
"""

import bz2
import gzip
import io
import lzma
import os
import random
import sys
import zipfile
from collections import Counter
from collections.abc import Callable

from keci.documents import Document
from keci.errors import UsageError
from keci.formats.detect import detect_format
from keci.formats.read import AUTO, INPUT_FORMATS, read_stream
from keci.formats.stream import ContentStream, Deletion, ReadOptions

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _table() -> bytes:
    """A small Parquet table, or what begins like one where pyarrow is not there."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # others reserve a gigabyte
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return b"PAR1PAR1"
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"id": ["1"], "text": ["Aspirin \u03b1"]}), file)
    return file.getvalue()


def _archive() -> bytes:
    """A brat archive of two documents."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b"):
            archive.writestr(zipfile.ZipInfo(f"{name}.txt"), "Aspirin helps \u03b1")
            archive.writestr(zipfile.ZipInfo(f"{name}.ann"), "T1\tDrug 0 7\tAspirin\n")
    return file.getvalue()


SEEDS = {
    "jsonl": (
        b'{"id": "a", "text": "Aspirin \\u00e9 \xce\xb1"}\n{"id": 2, "text": "B", "x": [{}]}\n'
    ),
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
    "bioc json": (
        b'{"documents": [{"id": 1, "passages": [{"offset": 0, "text": "A \\" b"}, '
        b'{"offset": 6, "sentences": [{"offset": 6, "text": "c"}]}]}]}'
    ),
    "jats": (
        b"<article><front><article-meta><article-id pub-id-type='pmc'>1</article-id></article-meta>"
        b"</front><body><sec><title>T</title><p>A<sup>2</sup></p></sec></body></article>"
    ),
    "pubtator": b"1|t|A title\n1|a|Text\n1\t0\t1\tA\tGene\t5\n\n2|t|B\n",
    "medline": (b"\nPMID- 1\nTI  - A title that\n      goes on\nAB  - Text.\n\nPMID- 2\nTI  - B\n"),
    "csv": b'id,text\n1,"Aspirin, ""helps"""\n2,\xce\xb1\n',
    "tsv": b"id\ttext\n1\tAspirin\n2\t\xce\xb1\n",
    "parquet": _table(),
    "text": b"Aspirin helps. \xce\xb1",
    "brat": b"Aspirin helps. \xce\xb1",
    "brat archive": _archive(),
    "failures": (
        b'{"source":"a","position":1,"id":"","reason":"r","excerpt":"","ordinal":0,'
        b'"format":"jsonl","original":"{\\"text\\":\\"a\\"}"}\n'
        b'{"source":"b","position":2,"id":"x","reason":"r","excerpt":"","ordinal":1,'
        b'"format":"document","original_base64":"eyJpZCI6ICJhIiwgInRleHQiOiAiYiJ9"}\n'
    ),
}
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lambda content: lzma.compress(content, preset=0),
    "zstd": zstd.compress,
}
PIECES = (
    b"<", b">", b"&", b'"', b"\\", b"{", b"]", b"|t|", b"\x00", b"\n", b"\t", b"\r", b"<a>", b"</",
    b"<!--", b"<![CDATA[", b"<?", b"&x;", b"&#xD800;", b"&#1;", b"<!DOCTYPE a [<!ENTITY x 'y'>]>",
    b"\\ud800", b"\\u0000", b"\xed\xa0\x80", b"\xff\xfe", b"\xef\xbb\xbf", b"1e999", b"-1", b"null",
    b"9" * 30, b"{\"passages\": [", b"[[", b"]}", b"\xc2\x85", b"\xe2\x80\xa8", b"PMID", b"Version",
)  # fmt: skip
REPEATS = (2, 2, 2, 200, 200, 20_000)
OPTIONS = ReadOptions(max_record_bytes=10_000)
MENDING = ReadOptions(
    max_record_bytes=10_000, invalid_utf8="replace", lone_surrogates="replace", nul="replace"
)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """One to four changes: bytes gone, others in their place, some repeated, another's part."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        span = slice(place, place + chance.randint(0, 12))
        kind = chance.randrange(5)
        if kind == 0:
            changed[span] = b""
        elif kind == 1:
            changed[span] = chance.randbytes(chance.randint(1, 4))
        elif kind == 2:
            changed[span] = chance.choice(PIECES)
        elif kind == 3:
            changed[span] = bytes(changed[span]) * chance.choice(REPEATS)
        else:
            other = chance.choice(list(SEEDS.values()))
            changed[span] = other[chance.randrange(len(other)) :]
    return bytes(changed)


def hostile_input(seed: str) -> tuple[str, bytes]:
    """An input, packed or not, with the format that it is to be read as."""
    chance = random.Random(seed)
    name = chance.choice(list(SEEDS))
    form = chance.choice([name.split(" ")[0], AUTO, chance.choice(INPUT_FORMATS)])
    pack = PACKINGS[chance.choice(["plain", *PACKINGS])]
    content = SEEDS[name]
    if chance.random() < 0.8:
        return form, pack(mutated(content, chance))
    return form, mutated(pack(content), chance)


def read_hostile(form: str, content: bytes, options: ReadOptions = OPTIONS) -> Counter[str]:
    """What became of an input: its documents, failures and deletions, or that it was refused."""
    found: Counter[str] = Counter()
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)), options)
    try:
        name = detect_format(stream.head, "in") if form == AUTO else form
    except UsageError:
        return Counter(refused=1)
    for record in read_stream(stream, "in", name, options):
        if isinstance(record, Deletion):
            found["deletions"] += 1
        elif isinstance(record, Document):
            f"{record.id}{record.text}".encode()
            found["documents"] += 1
        else:
            f"{record.id}{record.reason}{record.excerpt}".encode()
            found["failures"] += 1
    return found

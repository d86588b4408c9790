"""Inputs that nobody would write: small ones of every format, mutated at random.

XX
"""

import bz2
import gzip
import io
import lzma
import os
import random
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from keci.data.datasets import load_dataset
from keci.data.inspection import inspect
from keci.documents import Document
from keci.errors import DataError, UsageError
from keci.formats.detect import FORMATS_BY_ROOT, detect_format
from keci.formats.read import AUTO, INPUT_FORMATS, read_stream
from keci.formats.stream import ContentStream, Deletion, ReadOptions
from keci.schema import ADE

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
    "jsonl array": b'[{"id": 1.0, "title": "A", "text": null},\n {"id": "b", "text": "B"}]',
    "jsonl lines": b'{\n  "id": "a",\n  "text": "Aspirin"\n}\n{\n  "text": "B"\n}\n',
    "pubmed": (
        b"<?xml version='1.0' encoding='utf-8'?><!DOCTYPE PubmedArticleSet SYSTEM 'x.dtd'>"
        b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version='1'>1</PMID><Article>"
        b"<ArticleTitle>A <i>b</i> &amp; &#945;</ArticleTitle><Abstract><AbstractText Label='X'>c"
        b"</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle><DeleteCitation>"
        b"<PMID>2</PMID></DeleteCitation></PubmedArticleSet>"
    ),
    "pubmed twice": (
        b"\n<?xml version='1.0'?>\n<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1"
        b"</PMID><Article><ArticleTitle>[Not Available].</ArticleTitle><VernacularTitle>A"
        b"</VernacularTitle></Article><OtherAbstract Language='eng'><AbstractText>B"
        b"</AbstractText></OtherAbstract></MedlineCitation></PubmedArticle>"
        b"</PubmedArticleSet>\n<?xml version='1.0'?>\n<eFetchResult><ERROR>C</ERROR>"
        b"</eFetchResult>"
    ),
    "bioc": (
        b"<collection><document><id>1</id><passage><offset>0</offset><text>A</text></passage>"
        b"<passage><offset>2</offset><text>B</text></passage></document></collection>"
    ),
    "bioc annotated": (
        b"<collection><document><id>1</id><infon key='doi'>d</infon><passage><infon "
        b"key='type'>table</infon><offset>0</offset><text/><sentence><offset>0</offset>"
        b"<text>\xce\xb1 A rash</text><annotation id='T1'><infon key='type'>Drug</infon><infon "
        b"key='identifier'>D1;D2</infon><location offset='0' length='1'/><text>\xce\xb1</text>"
        b"</annotation><annotation id='T2'><infon key='type'>Adverse-Effect</infon><location "
        b"offset='4' length='4'/><text>rash</text></annotation></sentence></passage><relation "
        b"id='R1'><infon key='type'>Adverse-Effect</infon><node refid='T2' role='head'/><node "
        b"refid='T1' role='tail'/></relation></document></collection>"
    ),
    "bioc json": (
        b'{"documents": [{"id": 1, "passages": [{"offset": 0, "text": "A \\" b"}, '
        b'{"offset": 6, "sentences": [{"offset": 6, "text": "c"}]}]}]}'
    ),
    "jats": (
        b"<article><front><article-meta><article-id pub-id-type='pmc'>1</article-id></article-meta>"
        b"</front><body><sec><title>T</title><p>A<sup>2</sup></p></sec></body></article>"
    ),
    "jats whole": (
        b"<OAI-PMH><ListRecords><record><metadata><article xmlns='a' xml:lang='fr'><front>"
        b"<article-meta><title-group><article-title>T<xref ref-type='fn'>*</xref>"
        b"</article-title></title-group></article-meta></front><body><p>A<sup><xref "
        b"ref-type='bibr'>1</xref>,2</sup> b<break/>c <disp-formula><alternatives><tex-math>x"
        b"</tex-math><math><mi>x</mi></math></alternatives></disp-formula><fn><p>n</p></fn>"
        b"</p><table-wrap><caption><p>C</p></caption><table><tr><td>1</td><td/></tr></table>"
        b"</table-wrap></body><back><ack><p>a</p></ack><notes><title>N</title><p>n</p></notes>"
        b"</back><sub-article xml:lang='en' article-type='translation'><front-stub/><body><p>B"
        b"</p></body></sub-article></article></metadata></record></ListRecords></OAI-PMH>"
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
ANNOTATED_SEEDS = {
    "keci": (
        b'{"id": "a", "text": "rash after X1", "entities": [{"id": "T1", "start": 0, "end": 4, '
        b'"text": "rash", "type": "Adverse-Effect"}, {"id": "T2", "start": 11, "end": 13, '
        b'"text": "X1", "type": "Drug"}], "relations": [{"id": "R1", "head": "T1", "tail": "T2", '
        b'"type": "Adverse-Effect"}]}\n'
    ),
    "spert": (
        b'[{"tokens": ["rash", "after", "X1"], "entities": [{"type": "Drug", "start": 2, '
        b'"end": 3}, {"type": "Adverse-Effect", "start": 0, "end": 1}], "relations": [{"type": '
        b'"Adverse-Effect", "head": 1, "tail": 0}], "orig_id": 5}]'
    ),
    "biorelex": (
        b'[{"id": "1", "paperid": "p", "text": "A binds B", '
        b'"interactions": [{"participants": [0, 1], "label": 1}], '
        b'"entities": [{"label": "protein", "names": {"A": {"is_mentioned": true, '
        b'"mentions": [[0, 1]]}}}, {"label": "DNA", "names": {"B": {"is_mentioned": true, '
        b'"mentions": [[8, 9]]}}}]}]'
    ),
    "pubtator": (
        b"# set\n1|t|rash\n1|a|after X1\n1\t0\t4\trash\tAdverse-Effect\tD1;D2\n1\t11\t13\tX1\tD"
        b"rug\tMESH:D3\n1\tAdverse-Effect\tD1;D2\tDrug|MESH:D3\n"
    ),
    "bioc": SEEDS["bioc annotated"],
    "brat": _archive(),
    "conll": b"-DOCSTART- O\n\nrash NN B-Adverse-Effect\nafter NN O\nX1 NN S-Drug\n\nB\tO\n",
    "tagged": b'{"id": 1, "tokens": ["rash", "after"], "ner_tags": ["B-Adverse-Effect", "O"]}\n',
    "dygie": (
        b'{"doc_key": "d", "sentences": [["rash", "after"], ["X1"]], "ner": [[[0, 0, '
        b'"Adverse-Effect"]], [[2, 2, "Drug"]]], "relations": [[], [[2, 2, 2, 2, '
        b'"Adverse-Effect"]]]}\n'
    ),
    "bigbio": (
        b'{"id": "0", "document_id": "5", "passages": [{"id": "1", "type": "title", "text": '
        b'["rash"], "offsets": [[0, 4]]}], "entities": [{"id": "3", "type": "Drug", "text": '
        b'["ra", "sh"], "offsets": [[0, 2], [2, 4]], "normalized": [{"db_name": "M", "db_id": '
        b'"1"}]}], "relations": [{"id": "5", "type": "Adverse-Effect", "arg1_id": "3", '
        b'"arg2_id": "3"}]}\n'
    ),
    "doccano": (
        b'{"id": 1, "text": "rash after X1", "label": [[0, 4, "Adverse-Effect"], [11, 13, '
        b'"Drug"]]}\n{"id": 2, "text": "rash", "entities": [{"id": 1, "label": "Drug", '
        b'"start_offset": 0, "end_offset": 4}], "relations": [{"from_id": 1, "to_id": 1, '
        b'"type": "Adverse-Effect"}]}\n'
    ),
    "prodigy": (
        b'{"text": "rash after X1", "spans": [{"start": 0, "end": 4, "label": "Drug"}], '
        b'"relations": [{"head_span": {"start": 0, "end": 4}, "child_span": {"start": 0, '
        b'"end": 4}, "label": "x"}]}'
    ),
    "label studio": (
        b'[{"id": 3, "data": {"text": "rash after X1"}, "annotations": [{"result": [{"id": '
        b'"e", "type": "labels", "value": {"start": 0, "end": 4, "text": "rash", "labels": '
        b'["Drug"]}}, {"type": "relation", "from_id": "e", "to_id": "e", "direction": "left", '
        b'"labels": ["a"]}]}]}]'
    ),
    "pubannotation": (
        b'{"text": "rash after X1", "sourcedb": "PMC", "sourceid": "5", "divid": 1, '
        b'"denotations": [{"id": "T1", "span": {"begin": 0, "end": 4}, "obj": "Drug"}], '
        b'"relations": [{"pred": "a", "subj": "T1", "obj": "T1"}]}\n'
    ),
}
"""Data to train on, in every layout of text."""

ANNOTATED = "annotated"
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
    """An input, packed or not, with the format that it is to be read as, or ``ANNOTATED``."""
    chance = random.Random(seed)
    name = chance.choice([*SEEDS, *ANNOTATED_SEEDS])
    form, content = ANNOTATED, ANNOTATED_SEEDS.get(name, b"")
    if name in SEEDS:
        form = chance.choice([name.split(" ")[0], AUTO, chance.choice(INPUT_FORMATS)])
        content = SEEDS[name]
    pack = PACKINGS[chance.choice(["plain", *PACKINGS])]
    if chance.random() < 0.8:
        return form, pack(mutated(content, chance))
    return form, mutated(pack(content), chance)


def read_hostile(form: str, content: bytes, options: ReadOptions = OPTIONS) -> Counter[str]:
    """What became of an input: its documents, failures and deletions, or that it was refused."""
    if form == ANNOTATED:
        return read_annotated(content)
    found: Counter[str] = Counter()
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)), options)
    try:
        name = detect_format(stream.head, "in") if form == AUTO else form
    except UsageError:
        return Counter(refused=1)
    stream.relay.formats = FORMATS_BY_ROOT if form == AUTO else {}
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


def read_annotated(content: bytes) -> Counter[str]:
    """The documents of annotated data that are read and counted for a task, or a refusal."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        path.write_bytes(content)
        try:
            dataset = load_dataset(path, ADE)
        except (DataError, UsageError):
            return Counter(refused=1)
    found = inspect(dataset)
    f"{found.refusal}{found.losses}{found.notices}".encode()
    return Counter(documents=len(dataset.documents))

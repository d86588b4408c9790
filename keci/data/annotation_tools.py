"""What tools for annotation export: doccano, Prodigy, Label Studio and PubAnnotation.

Their records have one text, mentions by characters and relations by the ids of mentions.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keci.errors import DataError
from keci.formats import doccano
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow, Remark
from keci.formats.fields import checked, field, objects, optional_objects, shown

DOCCANO_FIELDS = ("label", "labels", "entities")
_LABEL_STUDIO_KINDS = ("labels", "hypertextlabels")


def is_doccano(record: Mapping[str, Any]) -> bool:
    """Whether a record with a text has doccano's lists of mentions (or Label Studio's)."""
    if doccano.DOCUMENT_ID in record:
        return True
    for name in DOCCANO_FIELDS:
        items = record.get(name)
        if isinstance(items, list) and (name != "entities" or (items and _is_doccano(items[0]))):
            return True
    return False


def _is_doccano(item: Any) -> bool:
    """Whether a mention is a list, or an object that is none of KECI's."""
    if not isinstance(item, dict):
        return isinstance(item, list)
    return "start_offset" in item or ("start" in item and not {"id", "text", "type"} <= item.keys())


def spacy_pairs(records: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Pairs of a text and its ``entities``, as spaCy's first versions took them, as records.

    They may stand in an object's ``annotations``, as annotators for spaCy write them.
    """
    first = records[0] if records else None
    is_wrapped = isinstance(first, dict) and "classes" in first and "annotations" in first
    pairs = [pair for item in records for pair in item["annotations"]] if is_wrapped else records
    if not all(map(_is_pair, filter(None, pairs))):
        return
    for text, annotation in filter(None, pairs):
        yield {"text": text, "entities": annotation["entities"]}


def _is_pair(item: Any) -> bool:
    if not isinstance(item, list) or len(item) != 2:
        return False
    text, annotation = item
    return isinstance(text, str) and isinstance(annotation, dict) and "entities" in annotation


def read_doccano(record: Mapping[str, Any], number: int) -> AnnotatedText:
    """``[start, end, type]``, or objects with ``start_offset``, ``end_offset`` and ``label``.

    Others call these ``start``, ``end`` and ``type``, and the ends of relations ``head``, ``tail``.
    """
    name = next((name for name in DOCCANO_FIELDS if record.get(name)), "")
    items = checked(record.get(name) or [], name, list)
    mentions = tuple(row for item in items for row in _doccano_mentions(item))
    links = tuple(
        RelationRow(
            field(item, "type" if "type" in item else "label", str),
            str(item.get("from_id", item.get("head"))),
            str(item.get("to_id", item.get("tail"))),
        )
        for item in optional_objects(record, "relations")
    )
    name = str(record.get(doccano.DOCUMENT_ID) or _id(record, number))
    return AnnotatedText(name, _text(record), mentions, (), links)


def _doccano_mentions(item: Any) -> Iterator[MentionRow]:
    if isinstance(item, list):
        if len(item) != 3:
            raise DataError(f"a mention must be [start, end, type], got {shown(item)}")
        start, end, kind = item
        yield MentionRow(_offset(start), _offset(end), "", checked(kind, "label", str))
        return
    if not isinstance(item, dict):
        raise DataError(f"labels of whole texts have no mentions to learn, got {shown(item)}")
    start = item.get("start_offset", item.get("start"))
    end = item.get("end_offset", item.get("end"))
    kinds = item.get("labels") or [item.get("label", item.get("type"))]
    for kind in kinds:
        name, surface = str(item.get("id", "")), str(item.get("text") or "")
        row = MentionRow(
            _offset(start), _offset(end), surface, checked(kind, "label", str), (), name
        )
        yield row


def read_prodigy(record: Mapping[str, Any], number: int) -> AnnotatedText:
    """``spans`` with a label; relations name the last token of their ends, or their spans."""
    spans = [
        (*_span(item, "start", "end"), field(item, "label", str))
        for item in objects(record, "spans")
    ]
    mentions = tuple(
        MentionRow(start, end, "", kind, id=f"{start}:{end}") for start, end, kind in spans
    )
    links = tuple(
        RelationRow(
            field(item, "label", str),
            _span_id(field(item, "head_span", dict)),
            _span_id(field(item, "child_span", dict)),
        )
        for item in optional_objects(record, "relations")
    )
    is_refused = record.get("answer", "accept") != "accept"
    remarks = (
        (Remark("records were not accepted; their annotation is left out", _id(record, number)),)
        if is_refused
        else ()
    )
    name, text = _id(record, number), _text(record)
    if is_refused:
        return AnnotatedText(name, text, remarks=remarks)
    return AnnotatedText(name, text, mentions, (), links)


def _span_id(span: Mapping[str, Any]) -> str:
    start, end = _span(span, "start", "end")
    return f"{start}:{end}"


def is_annotated(task: Any) -> bool:
    """Whether somebody has done a task of Label Studio, or it comes from where nobody could yet."""
    return not isinstance(task, Mapping) or bool(_done(task)) or "annotations" not in task


def _done(task: Mapping[str, Any]) -> list[Any]:
    """The annotations of a task that were not cancelled."""
    found = optional_objects(task, "annotations") or optional_objects(task, "completions")
    return [item for item in found if not item.get("was_cancelled")]


def read_label_studio(task: Mapping[str, Any], number: int) -> AnnotatedText:
    """The first annotation of a task that was not cancelled.

    A task from where nobody could annotate it yet, as keci-extract writes them, has its prediction.
    """
    data = field(task, "data", dict)
    text = next((value for key, value in data.items() if key == "text"), None)
    if text is None:
        texts = [value for value in data.values() if isinstance(value, str)]
        if len(texts) != 1:
            raise DataError(f"a task must have one text in 'data'; there are {sorted(data)}")
        text = texts[0]
    done = _done(task)
    said = done or optional_objects(task, "predictions")
    results = objects(said[0], "result") if said else []
    mentions = tuple(
        MentionRow(
            *_label_studio_span(field(item, "value", dict)),
            str(item["value"].get("text") or ""),
            kind,
            (),
            str(item.get("id", "")),
        )
        for item in results
        if item.get("type") in _LABEL_STUDIO_KINDS
        for kind in field(item["value"], item["type"], list)
    )
    links = tuple(
        RelationRow(kind, *_label_studio_ends(item))
        for item in results
        if item.get("type") == "relation"
        for kind in item.get("labels") or ["related"]
    )
    name = str(data.get("id") or task.get("id") or number)
    remarks: tuple[Remark, ...] = ()
    if len(done) > 1:
        remarks = (Remark("tasks have several annotations; the first is taken", name),)
    elif not done and results:
        remarks = (Remark("tasks have no annotation; their prediction is taken", name),)
    return AnnotatedText(name, checked(text, "text", str), mentions, (), links, remarks)


def _label_studio_span(value: Mapping[str, Any]) -> tuple[int, int]:
    """Start and end; those of HTML are paths, beside which the offsets in its text stand."""
    is_path = isinstance(value.get("start"), str)
    return _span(field(value, "globalOffsets", dict) if is_path else value, "start", "end")


def _label_studio_ends(item: Mapping[str, Any]) -> tuple[str, str]:
    ends = field(item, "from_id", str), field(item, "to_id", str)
    return (ends[1], ends[0]) if item.get("direction") == "left" else ends


def read_pubannotation(record: Mapping[str, Any], number: int) -> AnnotatedText:
    """Denotations with a span and an object, relations of two of them."""
    mentions = tuple(
        MentionRow(
            *_span(field(item, "span", dict), "begin", "end"),
            "",
            field(item, "obj", str),
            (),
            str(item.get("id", "")),
        )
        for item in objects(record, "denotations")
    )
    links = tuple(
        RelationRow(field(item, "pred", str), field(item, "subj", str), field(item, "obj", str))
        for item in optional_objects(record, "relations")
    )
    given = record.get("sourceid")
    name = f"{record.get('sourcedb', '')}:{given}".strip(":") if given else _id(record, number)
    divided = record.get("divid")
    return AnnotatedText(
        f"{name}:{divided}" if given and divided is not None else name,
        _text(record),
        mentions,
        (),
        links,
    )


def _id(record: Mapping[str, Any], number: int) -> str:
    given = record.get("id")
    return str(number if given in (None, "") else given)


def _text(record: Mapping[str, Any]) -> str:
    name = "text" if "text" in record else "data"
    return field(record, name, str)


def _span(span: Mapping[str, Any], start: str, end: str) -> tuple[int, int]:
    return field(span, start, int), field(span, end, int)


def _offset(value: Any) -> int:
    return checked(value, "offset", int)

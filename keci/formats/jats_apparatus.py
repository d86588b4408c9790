"""The apparatus of an article: what is no finding, as references, funding, conflicts, licences."""

import re

from lxml import etree

from keci.formats.xml import UNREAD_MATH, characters, local_name

UNREAD_TAGS = UNREAD_MATH | frozenset(
    ["ack", "address", "alt-text", "alt-title", "attrib", "author-notes", "bio", "contrib-group",
     "copyright-holder", "copyright-statement", "copyright-year", "counts", "funding-group",
     "index-term", "inline-graphic", "kwd-group", "label", "license", "license-p",
     "long-desc", "object-id", "permissions", "processing-meta", "ref", "ref-list",
     "related-article", "related-object", "response", "sec-meta", "sub-article", "trans-abstract",
     "trans-subtitle", "trans-title", "trans-title-group"]
)  # fmt: skip
_APPARATUS = re.compile(
    r"\b(fund(?:ing|ed)|financ|grants?\b|sponsor|conflicts?\b|competing|coi\b|interests?\b|"
    r"acknowledge?|disclosure|contributions?\b|con\b|supported-by|availability|consent\b|ethic|"
    r"references|bibliograph|abbr|licen[cs]e|permission|equal\b|corresp|present-address)",
    re.IGNORECASE,
)
"""Found in the type of a section, note or footnote."""

_INTERESTS = (
    r"(?:conflicts? of|(?:competing|conflicting)(?: financial)?|declarations? of) interests?"
)
_BEGINNINGS = (
    r"acknowledge?ments?\b",
    r"fund(?:ing|ed|s)\b",
    r"financ\w+ (?:support|disclosure|statement|interest)",
    r"grants?(?: (?:support|sponsor|information|number)|s?\W*\Z)",
    r"(?:study )?sponsor",
    r"(?:sources?|role) of (?:the )?(?:fund|financ|support|sponsor)",
    rf"(?:[\w'\u2019]+ ){{0,3}}{_INTERESTS}",
    r"(?:coi|disclosures?|declarations?|contributors?)\b",
    r"(?:\w+['\u2019]?s?['\u2019]? )?contributions?\W*\Z",
    r"author\S* contribution",
    r"(?:(?:data|code|materials?|software|and) )+availability\b",
    r"availability of\b",
    r"(?:\w+ )?(?:ethic|consent)",
    r"references?\W*\Z",
    r"(?:bibliograph|literature cited|(?:list of )?abbreviations)",
    r"(?:licen[cs]e|permissions?\b|copyright|present address|correspondence)",
    r"(?:the )?authors? (?:have |has )?(?:declare|report|disclose|contributed)",
    r"(?:\w+ ){0,2}contributed equally",
    r"(?:this|the) (?:present )?(?:work|study|research|project|trial) (?:was|is) (?:\w+ly )?"
    r"(?:supported|funded|financed)",
    r"supported (?:in part )?by",
)
_APPARATUS_WORDS = re.compile(rf"(?:\d+\.?\s+)?(?:{'|'.join(_BEGINNINGS)})", re.IGNORECASE)
"""What the title of such a part begins with, or its words where it has no title."""

_APPARATUS_TITLE = re.compile(
    rf"(?:\d+\.?\s+)?(?:acknowledge?ments?|funding(?: \w+)?|(?:\w+ of )?{_INTERESTS}(?: statement)?"
    r"|author\S* contributions?|data availability(?: statement)?|references)\W*",
    re.IGNORECASE,
)
"""The whole title of such a section within the body."""


def is_apparatus(part: etree._Element) -> bool:
    """Whether back matter tells of money, interests or sources instead of findings."""
    if local_name(part) in UNREAD_TAGS or local_name(part) == "glossary" or _has_type(part):
        return True
    heading = part.find("{*}title")
    heading = part.find("{*}p") if heading is None else heading
    return heading is not None and _APPARATUS_WORDS.match(characters(heading)) is not None


def is_apparatus_of_body(section: etree._Element) -> bool:
    title = section.find("{*}title")
    return _has_type(section) or (
        title is not None and _APPARATUS_TITLE.fullmatch(characters(title)) is not None
    )


def _has_type(part: etree._Element) -> bool:
    kinds = (part.get(name, "") for name in ("sec-type", "fn-type", "notes-type", "content-type"))
    return _APPARATUS.search(" ".join(kinds)) is not None

"""What of an article is read, and what is left out and counted."""

import io

import pytest

from keci.documents import Document, Failure
from keci.formats.jats import read_jats
from keci.formats.stream import ContentStream, ReadOptions

MATHML = 'xmlns:mml="http://www.w3.org/1998/Math/MathML"'


def read(content: str, tables: str = "skip") -> tuple[list[Document | Failure], dict[str, int]]:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content.encode())))
    contents = list(read_jats(stream, "in.xml", ReadOptions(tables=tables)))
    return contents, dict(stream.left_out)


def text_of(body: str, tables: str = "skip") -> str:
    ((document,), _) = read(f"<article {MATHML}><body>{body}</body></article>", tables)
    assert isinstance(document, Document)
    return document.text


CITED = '<xref ref-type="bibr" rid="b1">12</xref>'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"after amoxicillin<sup>{CITED},{CITED}</sup>. She", "after amoxicillin. She"),
        (f"a cough<sup>{CITED}\u2013{CITED}</sup> and", "a cough and"),
        (f"enalapril<sup>[{CITED}]</sup> caused", "enalapril caused"),
        ('gout<xref ref-type="bibr"><sup>4</sup></xref> after', "gout after"),
        ('gout <xref ref-type="bibr"><sup>4</sup></xref> after', "gout after"),
        (f"angioedema{CITED}.", "angioedema."),
        ('age<sup><xref ref-type="table-fn">a</xref></sup>', "age"),
        ("isoniazid<sup>5</sup> and", "isoniazid 5 and"),
        ("the drug.<sup>5,6</sup> It", "the drug. It"),
        (f"as seen in {CITED} and", "as seen in 12 and"),
        ('by <xref ref-type="bibr">Doe et al. (2010)</xref>, who', "by Doe et al. (2010), who"),
        ('see <xref ref-type="fig">Fig. 1</xref>', "see Fig. 1"),
        ("5 m<sup>2</sup>, Na<sup>+</sup>, Ca<sup>2+</sup>", "5 m2, Na+, Ca2+"),
        ("10<sup>6</sup> cells, <sup>14</sup>C, cm<sup>3</sup>", "106 cells, 14C, cm3"),
        ("CD4<sup>+</sup> T<sub>reg</sub> H<sub>2</sub>O", "CD4+ Treg H2O"),
        (f"a cough{CITED}<sup>,</sup>{CITED}<sup>\u2013</sup>{CITED} and", "a cough and"),
        (f"a cough{CITED}, {CITED}\u2013{CITED}, and", "a cough, and"),
        (f"a cough{CITED}<xref ref-type='bibr'/><xref ref-type='bibr'>-14</xref>.", "a cough."),
        (
            f"a cough [{CITED}, {CITED}] and [{CITED}\u2013{CITED}]",
            "a cough [12, 12] and [12\u201312]",
        ),
        (f"a cough ({CITED},{CITED}) and {CITED}", "a cough (12,12) and 12"),
        ("lithium<sup>a</sup> and digoxin<sup>*</sup>", "lithium a and digoxin *"),
        ("H-2<sup>b</sup>, I-A<sup>d</sup> and Cl<sup>-</sup>", "H-2b, I-Ad and Cl-"),
    ],
)
def test_citations_are_no_part_of_words(body: str, text: str) -> None:
    assert text_of(f"<p>{body}</p>") == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>Rash<break/>Cough</p>", "Rash\nCough"),
        ("<p><bold>Rash</bold><bold>Cough</bold></p>", "Rash Cough"),
        ("<p><bold>p</bold><bold>53</bold></p>", "p53"),
        ("<p><bold>Aim:</bold>We saw.<bold>Methods:</bold>Two.</p>", "Aim: We saw. Methods: Two."),
        ("<p>The <italic>E. coli</italic>Strain <bold>v.</bold>X</p>", "The E. coliStrain v.X"),
        ("<p>The <abbrev>ABC<def><p>a big cough</p></def></abbrev> ends.</p>",
         "The ABC ends.\n\na big cough"),
        ("<sec><title>Aim</title><p>To do</p><unknown>This</unknown><p>So</p></sec>",
         "Aim\n\nTo do\n\nThis\n\nSo"),
        ("<p>Pain<fn><p>A note.</p></fn> after aspirin.</p>", "Pain after aspirin.\n\nA note."),
        ("<p>Here <disp-formula><mml:math><mml:mi>x</mml:mi></mml:math></disp-formula>is it.</p>",
         "Here x is it."),
        ("<p>Pain <fig><caption><p>A plot.</p></caption></fig>after aspirin.</p>",
         "Pain after aspirin.\n\nA plot."),
        ("<p>Two: <list><list-item><p>one</p></list-item><list-item><p>two</p></list-item></list>"
         "</p>", "Two:\n\none\n\ntwo"),
    ],
)  # fmt: skip
def test_blocks_part_words_and_sentences_go_on(body: str, text: str) -> None:
    assert text_of(body) == text


LIST = "<list><list-item><p>asthma</p></list-item><list-item><p>COPD{}</p></list-item></list>"
LISTED = LIST.format("")
FIGURE = "<fig><caption><p>A plot.</p></caption></fig>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"We saw {LISTED} in men.", "We saw asthma; COPD in men."),
        (f"We saw {LISTED}, all in men.", "We saw asthma; COPD, all in men."),
        (f"We saw {LISTED} <italic>in vivo</italic>.", "We saw asthma; COPD in vivo."),
        (f"We saw {LIST.format(FIGURE)} in men.", "We saw asthma; COPD in men.\n\nA plot."),
        ("It <disp-quote><p>hurts</p></disp-quote> and burns.", "It hurts and burns."),
        (f"We saw: {LISTED} All were men.", "We saw:\n\nasthma\n\nCOPD\n\nAll were men."),
        (f"So it was. {LISTED} in men.", "So it was.\n\nasthma\n\nCOPD\n\nin men."),
        (f"{LISTED} in men.", "asthma\n\nCOPD\n\nin men."),
        ("We saw <boxed-text><p>A box.</p></boxed-text> in men.", "We saw in men.\n\nA box."),
        ("We saw <array><tbody><tr><td>a</td></tr></tbody></array> in men.", "We saw in men."),
    ],
)
def test_a_sentence_goes_on_behind_a_list(body: str, text: str) -> None:
    assert text_of(f"<p>{body}</p><p>Next.</p>") == f"{text}\n\nNext."


FORMULA = (
    "<mml:math><mml:mn>5</mml:mn><mml:mo>:</mml:mo><mml:mn>1</mml:mn>"
    '<mml:annotation encoding="TeX">5:1</mml:annotation></mml:math>'
)


@pytest.mark.parametrize(
    "formula",
    [
        f"<alternatives>{FORMULA}<tex-math>5:1</tex-math></alternatives>",
        f"<alternatives><textual-form>5:1</textual-form>{FORMULA}</alternatives>",
        f"{FORMULA}<tex-math>$5:1$</tex-math>",
        f"<alternatives><graphic/>{FORMULA}<inline-graphic/></alternatives>",
    ],
)
def test_a_formula_is_read_in_one_form(formula: str) -> None:
    assert text_of(f"<p>A ratio of <inline-formula>{formula}</inline-formula>.</p>") == (
        "A ratio of 5:1."
    )


def test_the_apparatus_of_a_figure_is_not_read() -> None:
    figure = (
        "<fig><label>Figure 1</label><caption><title>Rash.</title><p>After amoxicillin.</p>"
        "<attrib>Photo by us</attrib></caption><alt-text>alt</alt-text><long-desc>long</long-desc>"
        "<attrib>From a book</attrib><permissions><copyright-statement>c</copyright-statement>"
        "<license><license-p>CC BY</license-p></license></permissions><graphic/></fig>"
    )
    assert text_of(figure) == "Rash.\n\nAfter amoxicillin."


def test_captions_of_graphics_are_read() -> None:
    graphic = "<graphic><alt-text>a</alt-text><caption><p>A rash.</p></caption></graphic>"
    assert text_of(f"<p>See {graphic}here.</p>") == "See here.\n\nA rash."
    table = f"<alternatives>{graphic}<table><tr><td>a</td></tr></table></alternatives>"
    assert text_of(f"<table-wrap>{table}</table-wrap>", "rows") == "a"


def test_captions_of_media_and_floats_are_read() -> None:
    media = "<media><object-id>x</object-id><caption><title>A.</title><p>B.</p></caption></media>"
    article = f"<article><body><p>C.</p>{media}</body><floats-wrap>{media}</floats-wrap></article>"
    (document,), _ = read(article)
    assert document == Document("in.xml:1", "C.\n\nA.\n\nB.\n\nA.\n\nB.")


SUB = "<sub-article {0}><front-stub><title-group><article-title>T</article-title></title-group>"
SUB_ARTICLE = SUB + "</front-stub><body><p>{1}</p></body></sub-article>"
FRONT = '<front><article-meta><article-id pub-id-type="pmc">7</article-id></article-meta></front>'


def test_sub_articles_are_records_of_their_own() -> None:
    subs = SUB_ARTICLE.format('article-type="reply"', "Yes.") + (
        "<response><body><p>No.</p></body></response>"
    )
    records, _ = read(f"<article>{FRONT}<body><p>Main.</p></body>{subs}</article>")
    assert records == [
        Document("PMC7", "Main."), Document("PMC7.s1", "T\n\nYes."), Document("PMC7.s2", "No.")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "translated", "expected"),
    [
        ("en", "pt", [Document("PMC7", "Main.")]),
        ("pt", "en", [Document("PMC7.s1", "T\n\nOther.")]),
        ("pt", "es", [Document("PMC7", "Main.")]),
    ],
)
def test_of_translations_the_english_one_is_read(
    language: str, translated: str, expected: list[Document]
) -> None:
    about = f'article-type="translation" xml:lang="{translated}"'
    sub = SUB_ARTICLE.format(about, "Other.")
    article = f'<article xml:lang="{language}">{FRONT}<body><p>Main.</p></body>{sub}</article>'
    records, left_out = read(article)
    assert records == expected
    assert left_out == {"texts that are there in English": 1}


def test_back_matter_is_read_where_it_is_content() -> None:
    back = (
        "<back><ack><p>Thanks.</p></ack><app-group><app><title>Appendix</title><p>More.</p></app>"
        "</app-group><sec><title>Funding</title><p>NIH.</p></sec><notes><title>Note added in proof"
        "</title><p>Rash again.</p></notes><fn-group><fn><p>An endnote.</p></fn>"
        '<fn fn-type="conflict"><p>None.</p></fn></fn-group><ref-list><ref>R</ref></ref-list>'
        "<sec sec-type='COI-statement'><p>None.</p></sec></back>"
    )
    (document,), left_out = read(f"<article>{FRONT}<body><p>B.</p></body>{back}</article>")
    assert document == Document(
        "PMC7", "B.\n\nAppendix\n\nMore.\n\nNote added in proof\n\nRash again.\n\nAn endnote."
    )
    assert left_out == {"parts of back matter": 5}


@pytest.mark.parametrize(
    "note",
    [
        "<fn><p>Funding: none.</p></fn>",
        "<fn><p><bold>Conflict of interest:</bold> none.</p></fn>",
        "<fn><p>The authors declare that they have no competing interests.</p></fn>",
        "<fn><p>This work was supported by a grant.</p></fn>",
        "<sec><title>Declaration of competing interest</title><p>None.</p></sec>",
        "<notes><title>Authors\u2019 contributions</title><p>AB wrote.</p></notes>",
        "<sec><title>Availability of data and materials</title><p>On request.</p></sec>",
        "<sec><title>2. Grant support</title><p>None.</p></sec>",
    ],
)
def test_apparatus_is_known_by_its_words(note: str) -> None:
    documents, left_out = read(
        f"<article>{FRONT}<body><p>B.</p></body><back>{note}</back></article>"
    )
    assert documents == [Document("PMC7", "B.")]
    assert left_out == {"parts of back matter": 1}


@pytest.mark.parametrize(
    "title", ["Regions of interest", "Drug availability", "Contributions of PKA", "Grants and rash"]
)
def test_words_of_apparatus_in_a_title_lose_no_appendix(title: str) -> None:
    back = f"<back><app><title>{title}</title><p>Rash.</p></app></back>"
    (document,), _ = read(f"<article>{FRONT}<body><p>B.</p></body>{back}</article>")
    assert document == Document("PMC7", f"B.\n\n{title}\n\nRash.")


def test_apparatus_in_the_body_is_left_out() -> None:
    body = (
        "<sec><title>Results</title><p>Rash.</p></sec><sec><title>Acknowledgements</title><p>We."
        "</p></sec><sec><title>Funding of asthma care</title><p>Cough.</p></sec>"
        "<sec sec-type='COI-statement'><title>None</title></sec>"
    )
    assert text_of(body) == "Results\n\nRash.\n\nFunding of asthma care\n\nCough."


def test_parts_have_their_own_title_and_the_journal_of_all() -> None:
    front = (
        "<front><journal-meta><journal-title>J</journal-title></journal-meta><article-meta>"
        "<article-id pub-id-type='pmc'>7</article-id><title-group><article-title>A</article-title>"
        "</title-group><pub-date><year>2001</year></pub-date></article-meta></front>"
    )
    stub = "<front-stub><title-group><article-title>B</article-title></title-group></front-stub>"
    documents, _ = read(f"<article>{front}<sub-article>{stub}</sub-article></article>")
    told = [item.metadata for item in documents if isinstance(item, Document)]
    assert told == [
        {"title": "A", "journal": "J", "year": 2001},
        {"title": "B", "journal": "J", "year": 2001},
    ]


TABLE = (
    "<table-wrap><caption><p>Events<break/>by drug</p></caption><table><thead><tr><th>Drug</th>"
    "<th>Event</th></tr></thead><tbody><tr><td>aspirin</td><td><p>rash</p>pain<break/>gout</td></tr>"
    "</tbody></table><table-wrap-foot><p>Note.</p></table-wrap-foot></table-wrap>"
)


def test_tables_are_read_row_by_row_if_asked() -> None:
    assert text_of(TABLE) == "Events\nby drug\n\nNote."
    rows = "Drug | Event\n\naspirin | rash pain gout"
    assert text_of(TABLE, "rows") == f"Events\nby drug\n\n{rows}\n\nNote."


def test_an_error_answer_is_a_failure_with_its_words() -> None:
    answer = '<pmc-articleset><Reply Id="77" error="That id is not available"/></pmc-articleset>'
    (failure,), _ = read(answer)
    assert isinstance(failure, Failure)
    assert "77 That id is not available" in failure.reason

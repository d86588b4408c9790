"""The page as a reader meets it: looked at, pointed at and typed at in a headless browser."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from keci.documents import Extraction, Mention, Relation
from keci.view.document_page import comparison_page, extraction_page
from keci.view.notebook import notebook_html
from tests.keci.view.conftest import Visit, an_extraction, box_of

Open = Callable[..., Visit]
LONG = " ".join(["The cause was unknown in most of the cases that were seen then."] * 4)


def a_page(*extractions: Extraction) -> str:
    return extraction_page(extractions or (an_extraction(),), title="test page")


def words_box(seen: Visit, words: str) -> dict[str, float]:
    """Where words stand in the first document's text."""
    found: dict[str, float] = seen.page.evaluate(
        """words => { for (const span of document.querySelectorAll('.line span')) {
          const at = span.textContent.indexOf(words); if (at < 0) continue;
          const range = document.createRange();
          range.setStart(span.firstChild, at); range.setEnd(span.firstChild, at + words.length);
          const b = range.getBoundingClientRect();
          return {x: b.x, y: b.y, width: b.width, height: b.height}; } }""",
        words,
    )
    return found


def focused(seen: Visit) -> str:
    label: str = seen.page.evaluate("document.activeElement.getAttribute('aria-label')")
    return label


def focus_first_document(seen: Visit) -> None:
    seen.page.keyboard.press("j")


def test_brackets_stand_under_their_words(visit: Open) -> None:
    seen = visit(a_page())
    for mention in an_extraction().mentions:
        words = words_box(seen, mention.text)
        bracket = seen.box(f'g.mention[data-id="{mention.id}"] .bracket')
        assert bracket["x"] == pytest.approx(words["x"], abs=2)
        assert bracket["x"] + bracket["width"] == pytest.approx(words["x"] + words["width"], abs=2)
        assert bracket["y"] >= words["y"] + words["height"] - 2


def test_what_is_nested_lies_nearer_to_the_text(visit: Open) -> None:
    seen = visit(a_page())
    inner = seen.box('g.mention[data-id="T3"] .bracket')
    outer = seen.box('g.mention[data-id="T4"] .bracket')
    label = seen.box('g.mention[data-id="T3"] .label')
    assert outer["y"] >= label["y"] + label["height"] - 3
    assert inner["y"] < outer["y"]


def test_labels_of_one_line_do_not_overlap(visit: Open) -> None:
    seen = visit(a_page())
    labels = seen.page.locator("article .label")
    boxes = [box_of(labels.nth(place)) for place in range(labels.count())]
    assert len(boxes) == 7
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            apart_x = (
                one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            )
            apart_y = one["y"] + 9 <= other["y"] or other["y"] + 9 <= one["y"]
            assert apart_x or apart_y, (one, other)


def test_arcs_go_from_head_to_tail_above_the_text(visit: Open) -> None:
    seen = visit(a_page())
    for relation in an_extraction().relations:
        mentions = {mention.id: mention.text for mention in an_extraction().mentions}
        arc = seen.box(f'g.relation[data-id="{relation.id}"] .arc')
        head, tail = (
            words_box(seen, mentions[relation.head]),
            words_box(seen, mentions[relation.tail]),
        )
        assert head["x"] <= arc["x"] <= head["x"] + head["width"]
        assert tail["x"] <= arc["x"] + arc["width"] <= tail["x"] + tail["width"]
        assert arc["y"] + arc["height"] <= head["y"] + 3
    levels = {seen.box(f'g.relation[data-id="{name}"] .arc')["y"] for name in ("R1", "R2")}
    assert len(levels) == 2


def test_an_arc_that_wraps_runs_through_the_margin(visit: Open) -> None:
    text = f"Rash began. {LONG} It was ascribed to abcillin."
    drug = text.index("abcillin")
    extraction = Extraction(
        "far",
        text,
        (Mention("T1", 0, 4, "Rash", "Effect"), Mention("T2", drug, drug + 8, "abcillin", "Drug")),
        (Relation("R1", "T1", "T2", "caused-by"),),
    )
    seen = visit(a_page(extraction), width=600)
    arc = seen.box("g.relation .arc")
    lines = seen.page.locator(".line span")
    right = max(
        lines.nth(at).bounding_box()["x"] + lines.nth(at).bounding_box()["width"]
        for at in range(lines.count())
    )
    left = min(lines.nth(at).bounding_box()["x"] for at in range(lines.count()))
    assert lines.count() > 2
    assert arc["x"] < left or arc["x"] + arc["width"] > right
    assert arc["y"] < words_box(seen, "Rash")["y"] < words_box(seen, "abcillin")["y"]


def test_all_text_is_there_line_by_line(visit: Open) -> None:
    text = f"Title of it\n\n{LONG}\nA{'n' * 300} end  with  gaps, 𝛼𝛽 and \t tab"
    seen = visit(a_page(Extraction("long", text)), width=500)
    lines = seen.page.locator(".line span").all_text_contents()
    assert "".join(lines) == text.replace("\n", "")


def test_keys_go_from_document_to_finding_and_open_the_card(visit: Open) -> None:
    seen = visit(a_page(an_extraction("first"), an_extraction("second")))
    focus_first_document(seen)
    assert focused(seen) == "document first"
    seen.page.keyboard.press("ArrowRight")
    card = seen.page.locator("#card")
    assert card.is_visible()
    assert "Severe rash" in card.inner_text()
    for _ in range(20):
        seen.page.keyboard.press("ArrowRight")
    assert "blockers" in card.inner_text()
    seen.page.keyboard.press("Escape")
    assert card.is_hidden()
    seen.page.keyboard.press("j")
    assert focused(seen) == "document second"
    seen.page.keyboard.press("k")
    assert focused(seen) == "document first"
    seen.page.keyboard.press("/")
    assert seen.page.evaluate("document.activeElement.id") == "text"


def test_pointing_at_words_tells_of_the_innermost_mention(visit: Open) -> None:
    page = extraction_page(
        (an_extraction(),), title="t", define={"MESH:D000658": "A penicillin."}.get
    )
    seen = visit(page)
    words = words_box(seen, "amoxicillin")
    seen.page.mouse.move(words["x"] + 10, words["y"] + words["height"] / 2)
    card = seen.page.locator("#card")
    shown = card.inner_text()
    assert "0.990" in shown
    assert "A penicillin." in shown
    assert "Pharmacologic Substance (T121)" in shown
    assert "0.750" in shown
    assert "the text itself" in shown
    assert "0.250" in shown
    link = card.locator("a")
    assert link.get_attribute("href") == "https://meshb.nlm.nih.gov/record/ui?ui=D000658"
    assert "noopener" in link.get_attribute("rel")


def test_a_card_that_was_clicked_stays(visit: Open) -> None:
    seen = visit(a_page())
    words = words_box(seen, "Severe")
    seen.page.mouse.click(words["x"] + 5, words["y"] + 8)
    seen.page.mouse.move(5, 5)
    assert seen.page.locator("#card").is_visible()
    assert seen.page.locator('g.relation[data-id="R1"].on').count() == 1


def test_filters_leave_out_types_and_scores(visit: Open) -> None:
    seen = visit(a_page())
    assert seen.page.locator("g.mention").count() == 5
    seen.page.locator("#entity-chips label", has_text="Drug").click()
    assert seen.page.locator("g.mention").count() == 2
    assert seen.page.locator("g.relation").count() == 0
    seen.page.locator("#entity-chips label", has_text="Drug").click()
    seen.page.locator("#relation-chips label").click()
    assert seen.page.locator("g.relation").count() == 0
    seen.page.locator("#relation-chips label").click()
    seen.page.locator("#score").fill("0.85")
    seen.until("document.querySelectorAll('g.mention').length === 2")
    assert seen.page.locator("g.relation").count() == 1


def test_text_and_document_filters(visit: Open) -> None:
    other = Extraction("other", "Nothing to be seen here.")
    seen = visit(a_page(an_extraction("d1"), other))
    shown = seen.page.locator("article:visible")
    seen.page.locator("#text").fill("NOTHING")
    seen.until("document.querySelectorAll('article:not([hidden])').length === 1")
    assert shown.get_attribute("aria-label") == "document other"
    assert seen.page.locator(".found").count() == 1
    seen.page.locator("#text").fill("")
    seen.page.locator("#document").fill("d1")
    seen.until("document.querySelector('article[data-place=\"1\"]').hidden")
    assert shown.get_attribute("aria-label") == "document d1"
    seen.page.locator("#document").fill("")
    seen.page.locator("#found").check()
    seen.until("document.querySelector('article[data-place=\"1\"]').hidden")
    assert seen.page.locator("#shown-count").inner_text() == "1 of 2 documents"


def test_tables_count_and_follow_the_filters(visit: Open) -> None:
    seen = visit(a_page(an_extraction("d1"), an_extraction("d2")))
    seen.page.locator("#entities-tab").click()
    rows = seen.page.locator("#entities-table tbody tr")
    assert rows.count() == 5
    assert rows.first.locator("td").all_text_contents()[2:4] == ["2", "2"]
    seen.page.locator("#concepts-tab").click()
    concept = seen.page.locator("#concepts-table tbody tr td").all_text_contents()
    assert concept == ["Amoxicillin", "MESH:D000658", "2", "2", "0.750"]
    seen.page.locator("#triples-tab").click()
    triples = seen.page.locator("#triples-table tbody tr")
    first = triples.first.locator("td").all_text_contents()
    assert first[:5] == ["severe rash", "caused-by", "amoxicillin", "2", "2"]
    assert float(first[5]) == pytest.approx(1 - 0.05**2, abs=1e-3)
    seen.page.locator("#document").fill("d2")
    seen.until("document.querySelector('#triples-table tbody td:nth-child(4)').textContent === '1'")


def test_the_graph_leads_back_to_the_documents(visit: Open) -> None:
    seen = visit(a_page(an_extraction("d1"), an_extraction("d2")))
    seen.page.locator("#graph-tab").click()
    assert seen.page.locator(".graph .edge").count() == 2
    seen.page.locator(".graph g[data-look]", has_text="severe rash").click()
    assert seen.page.locator("#documents-panel").is_visible()
    assert seen.page.locator("#text").input_value() == "severe rash"


@pytest.mark.parametrize("width", [375, 320])
def test_nothing_overflows_on_a_small_screen(visit: Open, width: int) -> None:
    name = "a-very-long-entity-type-that-nobody-would-choose-but-somebody-has"
    long_type = replace(an_extraction().mentions[0], type=name)
    crowded = replace(
        an_extraction(f"d{'1' * 90}"), mentions=(long_type, *an_extraction().mentions[1:])
    )
    seen = visit(a_page(crowded), width=width)
    for tab in ("documents", "entities", "concepts", "triples", "graph"):
        seen.page.locator(f"#{tab}-tab").click()
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, tab
    seen.page.locator("#documents-tab").click()
    seen.page.wait_for_selector("svg.marks")
    words = words_box(seen, "pain")
    seen.page.mouse.click(words["x"] + 3, words["y"] + 5)
    card = seen.box("#card")
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= width


def test_markup_in_a_document_is_text(visit: Open) -> None:
    text = "<script>document.title='owned'</script></script><!--<img src=x onerror=alert(1)> rash"
    start = text.index("rash")
    evil = Extraction(
        "</script><b>id",
        text,
        (Mention("T1", start, start + 4, "rash", "<i>type"), Mention("T2", 0, 8, "<script>", "x")),
        (Relation("R1", "T1", "T2", "\"'><script>"),),
    )
    seen = visit(extraction_page([evil], title="<script>alert(1)</script>"))
    assert "".join(seen.page.locator(".line span").all_text_contents()) == text
    assert seen.page.locator("h2").inner_text() == "</script><b>id"
    assert seen.page.title() == "<script>alert(1)</script>"
    assert seen.page.locator("article b, article i, article img, article script").count() == 0
    focus_first_document(seen)
    seen.page.keyboard.press("ArrowRight")
    assert "<script>" in seen.page.locator("#card").inner_text()


def test_a_thousand_documents_are_drawn_as_they_come_into_sight(visit: Open) -> None:
    documents = [an_extraction(f"d{number}") for number in range(1000)]
    seen = visit(a_page(*documents))
    drawn = seen.page.locator("svg.marks").count()
    assert 0 < drawn < 40
    seen.page.evaluate("document.querySelector('article[data-place=\"900\"]').scrollIntoView()")
    seen.page.wait_for_selector('article[data-place="900"] svg.marks')
    assert seen.page.locator("svg.marks").count() < 60
    session = seen.page.context.new_cdp_session(seen.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = main_thread_seconds(session)
    seen.page.evaluate("document.querySelector('#entity-chips input').click()")
    assert 0 < main_thread_seconds(session) - before < 1


def main_thread_seconds(session: Any) -> float:
    """Processor time of the page's main thread, which others on the machine do not change."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(item["value"] for item in metrics if item["name"] == "TaskDuration"))


def test_slow_documents_are_spread_over_frames_what_is_in_sight_first(visit: Open) -> None:
    seen = visit(a_page(*(an_extraction(f"d{number}") for number in range(1000))))
    frames = seen.page.evaluate(
        """async () => {
          const frame = () => new Promise(requestAnimationFrame), frames = [];
          const prepend = Element.prototype.prepend;  // how a drawing comes to its document
          let drawn = [];
          Element.prototype.prepend = function (...nodes) {
            const article = this.closest("article"), box = article.getBoundingClientRect();
            if (article.dataset.place > 400) drawn.push(box.bottom > 0 && box.top < innerHeight);
            for (const began = performance.now(); performance.now() - began < 10;);
            prepend.apply(this, nodes);
          };
          document.querySelector('article[data-place="500"]').scrollIntoView();
          for (let count = 0; count < 40; count++) {
            await frame();
            frames.push(drawn);
            drawn = [];
          }
          return frames;
        }"""
    )
    drawn = [is_in_sight for frame in frames for is_in_sight in frame]
    first_near = drawn.index(False)
    assert first_near > 3, "what is in sight is drawn first"
    assert drawn.count(False) > 3, "and then what is near it"
    assert max(map(len, frames)) <= 2


def test_the_page_prints_every_document(visit: Open) -> None:
    seen = visit(a_page(*(an_extraction(f"d{number}") for number in range(60))))
    assert seen.page.locator("svg.marks").count() < 60
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator("svg.marks").count() == 60
    assert seen.box("main")["width"] <= 700
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator("svg.marks").count() < 60
    seen.page.emulate_media(media="print")
    assert seen.page.locator(".filters").is_hidden()
    assert seen.page.pdf().startswith(b"%PDF")


def test_dark_is_dark(visit: Open) -> None:
    seen = visit(a_page())
    for scheme, is_dark in (("light", False), ("dark", True)):
        seen.page.emulate_media(color_scheme=scheme)
        colour = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (int(colour[4:].split(",")[0]) < 80) is is_dark


def test_a_comparison_says_what_is_missed_spurious_and_mistyped(visit: Open) -> None:
    gold = an_extraction()
    kept = [mention for mention in gold.mentions if mention.id not in ("T2", "T5")]
    wrong = replace(kept[0], type="Drug")
    extra = Mention("T9", 12, 15, gold.text[12:15], "Effect", 0.5)
    predicted = replace(gold, mentions=(wrong, *kept[1:], extra), relations=())
    seen = visit(comparison_page([gold], [predicted], title="compared"))
    labels = seen.page.locator("g.mention .label").all_text_contents()
    assert sorted(labels) == sorted(
        ["Drug", "Drug", "Drug ≠ Effect", "missed: Effect", "missed: Drug", "spurious: Effect"]
    )
    assert seen.page.locator("g.relation.status-missed").count() == 2
    seen.page.locator("#status-chips label", has_text="right").click()
    assert seen.page.locator("g.mention").count() == 4
    seen.page.locator("#differences-tab").click()
    assert seen.page.locator("#differences-panel").is_visible()


def test_a_notebook_shows_the_document_in_a_frame(visit: Open) -> None:
    seen = visit(f"<!doctype html><title>cell</title>{an_extraction()._repr_html_()}")
    frame = seen.page.frame_locator("iframe")
    frame.locator("svg.marks").wait_for()
    assert frame.locator("g.mention").count() == 5
    assert frame.locator(".tabs").is_hidden()
    assert notebook_html(an_extraction()) == an_extraction()._repr_html_()


@pytest.mark.parametrize("width", [375, 600, 1000])
def test_no_arc_that_wraps_runs_through_the_text(visit: Open, width: int) -> None:
    seen = visit(a_page(*(crowded(seed) for seed in range(8))), width=width, height=30_000)
    seen.until("!document.querySelector('article:not(:has(svg.marks))')")
    wrapped, through = seen.page.evaluate(
        """() => {
          let wrapped = 0, through = [];
          for (const root of document.querySelectorAll(".text")) {
            const style = getComputedStyle(root), box = root.getBoundingClientRect();
            const left = box.left + parseFloat(style.paddingLeft);
            const right = box.right - parseFloat(style.paddingRight);
            for (const arc of root.querySelectorAll(".arc")) {
              const path = arc.getBoundingClientRect();
              if (path.height < 60) continue;
              wrapped++;
              const isBeside = path.left < left - 4 || path.right > right + 4;
              if (!isBeside) through.push(arc.closest("article").dataset.place);
            }
          }
          return [wrapped, through];
        }"""
    )
    assert wrapped > 50
    assert through == []


def crowded(seed: int) -> Extraction:
    """Many mentions over many lines, and relations between any two of them."""
    chance = random.Random(seed)
    words = [chance.choice(("rash", "abcillin", "followed", "in", "patients")) for _ in range(200)]
    text = " ".join(words)
    starts = [sum(len(word) + 1 for word in words[:place]) for place in range(len(words))]
    named = [place for place, word in enumerate(words) if word in ("rash", "abcillin")]
    mentions = tuple(
        Mention(f"T{place}", starts[place], starts[place] + len(words[place]), words[place], "Drug")
        for place in named
    )
    pairs = [chance.sample(mentions, 2) for _ in range(chance.choice((6, 12, 25)))]
    relations = tuple(
        Relation(f"R{number}", head.id, tail.id, "caused-by")
        for number, (head, tail) in enumerate(pairs)
    )
    return Extraction(f"crowded {seed}", text, mentions, relations)


def test_sure_triples_have_a_score_like_others_and_counts_are_parted(visit: Open) -> None:
    sure = replace(an_extraction(), relations=(replace(an_extraction().relations[0], score=1.0),))
    seen = visit(a_page(*(replace(sure, id=f"d{number}") for number in range(1100))))
    seen.page.locator("#triples-tab").click()
    cells = seen.page.locator("#triples-table tbody td").all_text_contents()
    assert cells[3:] == ["1,100", "1,100", "1.000"]
    assert "1,100" in seen.page.locator("#relation-chips").inner_text()


def test_a_document_without_text_says_so(visit: Open) -> None:
    seen = visit(a_page(Extraction("empty", ""), Extraction("blank", " \n")))
    assert seen.page.locator("article header").all_inner_texts() == [
        "empty\nno text",
        "blank\nno text",
    ]


def test_lines_of_odd_signs_hold_the_whole_text(visit: Open) -> None:
    """Joined emoji, marks without width, other scripts, forced breaks, words without end."""
    family, mark = "\U0001f469\u200d\U0001f469\u200d\U0001f466", "e\u0301\u0323"
    odd = (family * 40, mark * 90, "\u200b" * 30 + "x" * 200, "\u0645\u0631\u064a\u0636 " * 60,
           "a\u2028b\u0085c\u000cd \u202e gnorw", "\u60a3\u8005" * 80)  # fmt: skip
    seen = visit(a_page(*(Extraction(f"d{n}", f"{text} end") for n, text in enumerate(odd))))
    for number, text in enumerate(odd):
        lines = seen.page.locator(f'article[data-place="{number}"] .line span')
        assert "".join(lines.all_text_contents()) == f"{text} end"
    widths = seen.page.evaluate(
        """[...document.querySelectorAll(".line")]
        .map(line => line.scrollWidth - line.clientWidth)"""
    )
    assert max(widths) <= 2


@pytest.mark.parametrize("width", [375, 1000])
def test_bold_labels_of_a_comparison_are_not_cut_off(visit: Open, width: int) -> None:
    words = "rash rash " * 60
    mentions = tuple(
        Mention(f"T{place}", place, place + 4, "rash", "AdverseEffectOfMedicine")
        for place in range(0, len(words), 10)
    )
    gold = Extraction("d", words, mentions)
    page = comparison_page([gold], [replace(gold, mentions=())], title="t")
    seen = visit(page, width=width)
    beyond = seen.page.evaluate(
        """[...document.querySelectorAll("article .label")].filter(label => {
          const box = label.getBoundingClientRect(), article = label.closest("article");
          const limits = article.getBoundingClientRect();
          return box.left < limits.left || box.right > limits.right;
        }).length"""
    )
    assert seen.page.locator("article .label").count() == 60
    assert beyond == 0

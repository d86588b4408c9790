"""What a text says of a mention and a relation; the examples are no evaluation set's."""

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given

from keci.assertion.marking import marked
from keci.documents import Extraction, Mention, Relation
from tests.strategies import extractions

EFFECTS, DRUGS = ("rash", "fever", "gout", "coma", "asthma"), ("abc", "xyz")


def read(text: str, relation: str = "Adverse-Effect") -> Extraction:
    """Every effect of the text as a mention, related to every drug."""
    mentions = tuple(
        Mention(f"T{number}", at.start(), at.end(), at[0], "e" if at[0] in EFFECTS else "d")
        for number, at in enumerate(re.finditer("|".join((*EFFECTS, *DRUGS)), text), start=1)
    )
    pairs = [(e.id, d.id) for e in mentions for d in mentions if (e.type, d.type) == ("e", "d")]
    relations = tuple(
        Relation(f"R{number}", *pair, relation) for number, pair in enumerate(pairs, start=1)
    )
    return marked(Extraction("d", text, mentions, relations))


def said(text: str) -> list[str]:
    return [relation.assertion for relation in read(text).relations]


def said_of_mentions(text: str) -> dict[str, str]:
    return {mention.text: mention.assertion for mention in read(text).mentions}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("There was no rash.", "negated"),
        ("She denied rash.", "negated"),
        ("The skin was free of rash.", "negated"),
        ("A rash was ruled out.", "negated"),
        ("A rash did not occur.", "negated"),
        ("The rash was never seen again.", "negated"),
        ("No fever, cough or rash.", "negated"),
        ("A rash was seen.", "present"),
        ("No doubt this was a rash.", "present"),
        ("The rash did not resolve.", "present"),
        ("Steroids failed to blunt the rash.", "present"),
        ("Not only a rash was seen.", "present"),
        ("No drug helped, but a rash was seen.", "present"),
        ("Such a rash has not been reported before.", "present"),
        ("No other cause of the rash was found.", "present"),
        ("A rash may occur.", "speculated"),
        ("A possible rash.", "speculated"),
        ("Watch for rash.", "speculated"),
        ("If a rash occurs, stop.", "speculated"),
        ("Was it a rash?", "speculated"),
        ("A rash cannot be excluded.", "speculated"),
        ("It may help; a rash was seen.", "present"),
        ("A higher risk of rash was found.", "present"),
        ("A rash came. No other finding was made.", "present"),
        ("Although she was free of fever for years, rash was the price.", "present"),
        ("Although no fever, cough or rash came, she was ill.", "negated"),
        ("Unlike xyz, with which no one coughed, abc left rash behind.", "present"),
        ("A rash was not found in vehicle controls.", "present"),
        ("A rash, absent at baseline, came.", "present"),
        ("A rash and absent nails.", "present"),
        ("A rash was absent.", "negated"),
        ("Neither cream nor bath relieved the rash.", "present"),
        ("Neither rash nor cough came.", "negated"),
        ("The cream prevented neither the cough nor the rash.", "present"),
        ("The cream did not wholly prevent rash.", "present"),
        ("The cream had no influence on the rash.", "present"),
        ("It did no harm and relieved the rash.", "present"),
        ("She had rash, sepsis having been excluded.", "present"),
        ("She had sepsis, rash having been excluded.", "negated"),
        ("It doubled the risk of rash.", "present"),
        ("A threefold risk of rash was found.", "present"),
        ("It took a week to recognise that rash had come.", "present"),
        ("We cannot rule out rash.", "speculated"),
        ("In theory, rash might come.", "speculated"),
        ("It is possible, if unlikely, that rash came.", "speculated"),
        ("Had it gone on, rash might have ensued.", "speculated"),
        ("A rash cannot be wholly dismissed.", "speculated"),
        ("A rash has long been feared.", "speculated"),
        ("Such rash awaits further evidence.", "speculated"),
        ("A rash remains to be shown.", "speculated"),
        ("One would expect rash.", "speculated"),
        ("She was taken off it for suspected rash.", "speculated"),
        ("A rash was long suspected.", "speculated"),
        ("A rash is a possible but rare finding.", "speculated"),
        ("The rash was treated with negative results.", "present"),
        ("It was assumed that a rash came.", "speculated"),
        ("The fear of coma went; a rash was seen.", "present"),
    ],
)
def test_triggers_speak_of_their_clause(text: str, expected: str) -> None:
    assert said_of_mentions(text)["rash"] == expected


@pytest.mark.parametrize(
    "text",
    [
        "abc caused rash.",
        "abc-induced rash.",
        "A rash after abc.",
        "Patients with rash due to abc.",
        "The rash resolved when abc was stopped.",
        "A boy treated with abc had a rash.",
        "No rash had been known before, but abc caused rash.",
        "The risk of rash was increased by abc.",
        "The patient was given abc and a rash appeared.",
        "Despite monitoring for fever, a rash was caused by abc.",
        "xyz might prevent abc-induced rash.",
        "If fever comes, stop abc; the rash it caused is gone.",
        "abc was not stopped until the rash had spread.",
        "Withdrawal of abc relieved the rash.",
        "Within three days of adding abc, a man was admitted with rash.",
        "abc cured the cough but left three patients with rash.",
        "abc, rather than the cough itself, accounted for the rash.",
        "Before starting xyz she was well; abc caused rash.",
        "The rash on abc was finally explained by the drug.",
        "The rash was eventually attributed to abc.",
        "Less rash came with cream than with abc.",
        "Discontinuation of abc resulted in resolution of the rash.",
        "Despite stopping abc, the rash stayed.",
        "Despite more reports on abc-induced rash, little is known.",
        "The aim is to report a rash after abc.",
        "The endpoint of rash was reached in 5% with abc.",
        "Rash fell less with xyz than the rash with abc.",
        "A rash on abc was attributed to treatment.",
        "The rash on abc was of toxic origin.",
        "The rash, at first ascribed to a mite, came of the long use of abc.",
        "The man took abc and his drowsiness resulted from neurotoxicity; a rash was seen.",
        "The cough was explained by xyz, and rash by abc.",
        "abc was the cause of the rash.",
        "The drug proved to be the source of the rash under abc.",
        "Scabies proved to be the source of the cough; the rash came from abc.",
        "A rash came on abc and was ascribed to its neurotoxicity.",
        "The rash was attributed to topical 1:1000 abc.",
        "This supports the view that rash was a side effect of abc.",
        "The rash (12 of 30) was seen with abc more often than with placebo.",
        "abc doubled the rate of rash (9%; placebo 4%), similar to that of cough.",
        "The rash under abc was no more severe than that of others, but it was there.",
        "A rash was more frequent with abc than with placebo, and similar to that with cream.",
    ],
)
def test_a_report_is_present(text: str) -> None:
    assert said(text)[-1] == "present"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc did not cause rash.", "negated"),
        ("There was no association between abc and rash.", "negated"),
        ("The rash was not related to abc.", "negated"),
        ("The rash was unrelated to abc.", "negated"),
        ("abc was ruled out as the cause of the rash.", "negated"),
        ("abc was given for rash.", "negated"),
        ("abc relieved the rash.", "negated"),
        ("The rash was treated with abc.", "negated"),
        ("A rash responded to abc.", "negated"),
        ("The rash subsided after abc was given.", "negated"),
        ("Patients with rash received abc.", "negated"),
        ("A man with a history of rash took abc.", "negated"),
        ("Monitor for rash under abc.", "speculated"),
        ("It is unknown whether abc causes rash.", "speculated"),
        ("abc should be stopped if a rash appears.", "speculated"),
        ("abc might induce rash.", "speculated"),
        ("Patients on abc were admitted with rash.", "present"),
        ("abc could not explain the rash.", "negated"),
        ("At baseline, 22% of those later given abc had rash.", "negated"),
        ("Comorbidities at the start of abc included rash.", "negated"),
        ("Before starting abc she had experienced rash.", "negated"),
        ("Users of abc already had rash.", "negated"),
        ("A rash in our patient on abc was the work of scabies.", "negated"),
        ("The rash under abc was finally explained by scabies.", "negated"),
        ("All rash in the abc arm was unrelated to study medication.", "negated"),
        ("abc brought rapid improvement of rash.", "negated"),
        ("abc: shorter stays and less rash.", "negated"),
        ("Severe rash fell by 68% with abc.", "negated"),
        ("A rash occurred less often in those given abc.", "negated"),
        ("A rash that had defied abc was seen.", "negated"),
        ("Despite abc, the rash spread.", "negated"),
        ("The rash resolved on replacing the cream by abc.", "negated"),
        ("Cream was superior to abc and brought rash.", "negated"),
        ("More rash came with cream than with abc.", "negated"),
        ("Compared with abc, cream brought rash.", "negated"),
        ("We will record any rash under abc.", "speculated"),
        ("The aim is to estimate the frequency of rash with abc.", "speculated"),
        ("Adverse events of special interest for abc were rash.", "speculated"),
        ("Primary safety endpoints of abc were rash.", "speculated"),
        ("abc, rather than causing rash, was safe.", "negated"),
        ("A cough rather than rash came of abc.", "negated"),
        ("abc could, by this way, give rise to rash.", "speculated"),
        ("abc would in such people predispose to rash.", "speculated"),
        ("abc is predicted to bring rash.", "speculated"),
        ("A rash might be among the harms of abc.", "speculated"),
        ("We counselled the users of abc about rash.", "speculated"),
        ("The rash was at first blamed on abc.", "negated"),
        ("abc was wrongly accused of the rash.", "negated"),
        ("abc was the prime suspect for the rash.", "speculated"),
        ("A rash under abc was of viral origin.", "negated"),
        ("The cough of a man on abc was attributed to severe asthma.", "negated"),
        ("Drowsiness under abc turned out to be coma.", "negated"),
        ("Scabies was the cause of the rash seen under abc.", "negated"),
        ("Mites proved to be the source of the rash in users of abc.", "negated"),
        ("Scabies explained the rash of a man on abc.", "negated"),
        ("The biopsy absolved abc: the rash was scabies.", "negated"),
        ("A rash in a man on abc resulted from scabies.", "negated"),
        ("A rash on abc was attributed to scabies.", "negated"),
        ("The rash of her childhood predated abc.", "negated"),
        ("Before abc was begun she had suffered rash.", "negated"),
        ("Of those on abc, half had rash at baseline.", "negated"),
        ("Severe rash and the pharmacokinetics of abc.", "negated"),
        ("Bouts of rash dwindled from nine to two a week on abc.", "negated"),
        ("The rash faded in a seven-year-old a week after abc was begun.", "negated"),
        ("abc curbed the rash.", "negated"),
        ("Cream brought more rash (33%), cough (5% against 8%), and pain than abc.", "negated"),
        ("Adults with rash (75%) were randomly assigned to treatment with abc (5 mg).", "negated"),
        ("The rash (in 5 of 9) was treated (at first) with abc.", "negated"),
        ("The incidence of rash with abc was similar to that with placebo.", "negated"),
        ("Any rash with abc was comparable between the drug and placebo groups.", "negated"),
        ("A rash was no more frequent with abc than with placebo.", "negated"),
        ("A rash occurred as often under placebo as under abc.", "negated"),
        ("Placebo-level incidence of rash with abc in controlled studies.", "negated"),
        ("The rate of rash did not differ between abc and placebo.", "negated"),
        ("The rate of rash was low and similar with abc (3%) and placebo (4%).", "negated"),
        ("The rate of rash, including that of cough, with abc was similar to placebo.", "negated"),
        ("Patients with first-episode rash received abc.", "negated"),
        ("She was diagnosed as having rash and got abc.", "negated"),
    ],
)
def test_what_is_no_report_is_not_present(text: str, expected: str) -> None:
    assert said(text) == [expected]


def test_lists_are_read_as_one_name() -> None:
    assert said("abc relieved rash, fever and coma.") == ["negated"] * 3
    assert said("The rash was treated with abc and xyz.") == ["negated"] * 2
    assert said("The rash (3%), fever (1 of 9) and coma were treated with abc.") == ["negated"] * 3
    assert said("Adults with rash (80%) or fever or cough were assigned to abc.") == ["negated"] * 2
    assert said("Compared with abc, xyz caused more rash.") == ["negated", "present"]
    assert said("Placebo-level rates of rash (fever) with abc.") == ["negated"] * 2


def test_one_relation_of_a_sentence_can_be_denied_and_another_not() -> None:
    assert said("abc caused rash but no fever.") == ["present", "negated"]
    assert said("abc, given for gout, caused rash.") == ["negated", "present"]


def test_only_relations_of_harm_are_denied_by_treatment() -> None:
    text = "abc relieved the rash."
    assert [item.assertion for item in read(text, "Negative_Correlation").relations] == ["present"]


DISORDER, SUBSTANCE, GENE = "DiseaseOrPhenotypicFeature", "ChemicalEntity", "GeneOrGeneProduct"


@pytest.mark.parametrize("drug_is_head", [True, False])
@pytest.mark.parametrize(
    ("types", "kind", "expected"),
    [
        ((DISORDER, SUBSTANCE), "Positive_Correlation", "negated"),
        ((DISORDER, SUBSTANCE), "Negative_Correlation", "present"),
        ((DISORDER, GENE), "Positive_Correlation", "present"),
    ],
)
def test_that_a_substance_raises_a_disorder_is_harm(
    types: tuple[str, str], kind: str, expected: str, drug_is_head: bool
) -> None:
    text = "abc relieved the rash."
    mentions = (Mention("T1", 0, 3, "abc", types[1]), Mention("T2", 17, 21, "rash", types[0]))
    ends = ("T1", "T2") if drug_is_head else ("T2", "T1")
    found = marked(Extraction("d", text, mentions, (Relation("R1", *ends, kind),)))
    assert found.relations[0].assertion == expected
    assert (found.relations[0].head, found.relations[0].tail) == ends


def test_mentions_of_two_sentences_are_judged_each_in_its_own() -> None:
    assert said("The rash was seen in May. We gave abc for fever.")[0] == "present"
    assert said("There was no rash. We gave abc.") == ["negated"]


@given(extractions())
def test_nothing_but_assertions_changes(extraction: Extraction) -> None:
    found = marked(extraction)
    assert found == marked(extraction)
    assert plain(found) == plain(extraction)


def plain(extraction: Extraction) -> Extraction:
    """The extraction as if nothing were said of anything."""
    return replace(
        extraction,
        mentions=tuple(replace(item, assertion="present") for item in extraction.mentions),
        relations=tuple(replace(item, assertion="present") for item in extraction.relations),
    )


@given(extractions())
def test_marking_twice_says_the_same(extraction: Extraction) -> None:
    assert marked(marked(extraction)) == marked(extraction)


@pytest.mark.parametrize("unit", ["rash abc ", "more rash than abc ", "had rash with abc before "])
def test_relations_of_a_long_sentence_are_read_in_no_more_than_their_time(unit: str) -> None:
    text = unit * 1000
    mentions = tuple(
        Mention(f"T{number}", at.start(), at.end(), at[0], "e" if at[0] == "rash" else "d")
        for number, at in enumerate(re.finditer("rash|abc", text))
    )
    ends = [(f"T{number}", f"T{number + 1}") for number in range(0, len(mentions), 2)]
    relations = tuple(
        Relation(f"R{number}", *pair, "Adverse-Effect") for number, pair in enumerate(ends)
    )
    started = time.process_time()
    marked(Extraction("d", text, mentions, relations))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Abc was stopped and the rash resolved.", "present"),
        ("Abc was lowered and the fever abated.", "present"),
        ("Abc therapy was halved and the rash cleared.", "present"),
        ("Abc was stopped and fever resolved with cooling.", "present"),
        ("The rash cleared when abc was withdrawn.", "present"),
        ("The fever eased after abc was discontinued.", "present"),
        ("The rash was reversed by abc withdrawal.", "present"),
        ("The rash responded to discontinuation of abc.", "present"),
        ("The coma lessened after abc had been reduced.", "present"),
        ("The rash cleared and recurred when abc was given again.", "present"),
        ("The rash cleared when abc was given.", "negated"),
        ("The fever eased after abc.", "negated"),
        ("The rash was reversed by abc.", "negated"),
        ("Abc stopped the rash.", "negated"),
        ("Abc was given and the rash resolved.", "negated"),
        ("Abc 5 mg was started and her fever soon subsided.", "negated"),
        ("Abc was administered and rash was seen.", "present"),
        ("Abc was given and the coma did not resolve.", "present"),
    ],
)
def test_what_goes_when_the_substance_is_taken_away_is_its_effect(text: str, expected: str) -> None:
    assert said(text.replace("Abc", "abc")) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A man on abc was admitted with gout.", "present"),
        ("While receiving abc, she was admitted with fever.", "present"),
        ("A woman taking 20 mg of abc was hospitalised for rash.", "present"),
        ("He was admitted with gout while on abc.", "present"),
        ("He was admitted with gout and was given abc.", "negated"),
        ("We gave abc to a man admitted with gout.", "negated"),
    ],
)
def test_who_takes_a_substance_may_be_admitted_for_it(text: str, expected: str) -> None:
    assert said(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "No cause other than abc was found for the rash.",
        "There was no explanation of the rash other than abc.",
        "No other cause but abc was seen for the rash.",
        "No culprit except abc was found for the rash.",
    ],
)
def test_the_only_cause_that_is_left_is_blamed(text: str) -> None:
    assert said(text) == ["present"]


def test_what_a_patient_takes_is_there_where_its_harm_is_denied() -> None:
    for kind in ("Drug", "ChemicalEntity"):
        for text, at, said in (
            ("No rash of any kind was ever seen with abc.", 39, "present"),
            ("No abc was given.", 3, "negated"),
        ):
            (found,) = marked(
                Extraction("d", text, (Mention("T1", at, at + 3, "abc", kind),))
            ).mentions
            assert found.assertion == said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc was not tolerated because of rash.", ["present"]),
        ("abc was not restarted owing to the rash.", ["present"]),
        ("No rechallenge with abc was done because of the rash.", ["present"]),
        ("The rash was not due to abc.", ["negated"]),
        ("abc was the culprit drug for the rash.", ["present"]),
        ("abc, the offending agent for the rash, was stopped.", ["present"]),
        ("abc was the drug for the rash.", ["negated"]),
        ("A rash without fever developed on abc.", ["present", "negated"]),
        ("She had rash but no fever on abc.", ["present", "negated"]),
        ("abc was stopped, and xyz was started for the coma.", ["present", "negated"]),
        ("A patient with a history of gout developed rash on abc.", ["present", "present"]),
        ("A patient with a history of gout was on abc.", ["negated"]),
        ("He had a history of rash to abc.", ["present"]),
        ("Withholding abc led to resolution of the coma.", ["present"]),
        ("A decrease in the dose of abc led to improvement of the coma.", ["present"]),
        ("The coma was relieved by abc dose reduction.", ["present"]),
        ("The coma was relieved by abc.", ["negated"]),
        ("abc, not xyz, caused the rash.", ["present", "negated"]),
        ("The rash was possibly related to abc.", ["speculated"]),
        ("abc was a possible cause of the rash.", ["speculated"]),
        ("abc could have caused the rash.", ["speculated"]),
        ("It is unlikely that abc caused the rash.", ["negated"]),
        ("Those on abc should be monitored for gout.", ["speculated"]),
        ("The incidence of gout was at the same rate with abc and placebo.", ["negated"]),
        ("abc had no effect on the coma.", ["negated"]),
        ("abc failed to control the coma.", ["negated"]),
        ("The coma did not respond to abc.", ["negated"]),
        ("The fever recurred despite prophylaxis with abc.", ["negated"]),
        ("The rash was refractory to abc.", ["negated"]),
        ("abc was replaced by xyz and the rash settled.", ["present", "negated"]),
        ("After switching from abc to xyz, the rash resolved.", ["present", "negated"]),
        ("The rash resolved when xyz was substituted for abc.", ["negated", "present"]),
        ("The rash caused by abc resolved with xyz.", ["present", "negated"]),
        ("abc was stopped and xyz given, and the rash resolved.", ["present", "negated"]),
        ("The rash resolved after stopping abc and starting xyz.", ["present", "negated"]),
        ("She was given abc because of gout.", ["negated"]),
        ("abc was stopped because of gout.", ["present"]),
        ("A rash requiring abc.", ["negated"]),
        ("A rash requiring withdrawal of abc.", ["present"]),
        ("He took abc for type 2 gout.", ["negated"]),
    ],
)
def test_as_reports_of_harm_are_worded(text: str, expected: list[str]) -> None:
    assert said(text) == expected

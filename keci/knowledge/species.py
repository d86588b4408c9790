"""The species whose genes a text speaks of, and the species of a gene of the knowledge base."""

import re
from collections import Counter

from keci.documents import ConceptLink

HUMAN = "human"
_WORDS = {
    HUMAN: "humans?|patients?|wom[ae]n|(?<!-)m[ae]n|child|children|people|persons?|infants?|boys?"
    "|girls?|individuals|volunteers|participants|adults?|adolescents?|probands?|pedigrees?"
    "|kindreds?",
    "mouse": "mouse|mice|murine|mus musculus",
    "rat": "rats?|rattus",
    "Drosophila melanogaster": "drosophila|fruit fl(?:y|ies)",
    "Danio rerio": "zebrafish|danio rerio",
    "Saccharomyces cerevisiae": r"yeasts?|s\. cerevisiae|saccharomyces cerevisiae",
    "Caenorhabditis elegans": r"c\. elegans|caenorhabditis elegans",
    "Xenopus laevis": "xenopus",
    "Arabidopsis thaliana": "arabidopsis",
    "Escherichia coli": r"e\. coli|escherichia coli",
    "Bacillus subtilis": r"b\. subtilis|bacillus subtilis",
    "Schizosaccharomyces pombe": r"s\. pombe|schizosaccharomyces pombe|fission yeasts?",
    "Dictyostelium discoideum": "dictyostelium",
    "Gallus gallus": "chickens?|chicks?",
    "Bos taurus": "bovine|cattle|cows?|calves",
    "Sus scrofa": "(?<!guinea )(?<!guinea-)pigs?|porcine|swine|piglets?",
    "Oryctolagus cuniculus": "rabbits?",
}
"""What names each species in a text; the species are called as the knowledge base calls them."""
_GROUPS = list(_WORDS)
_EITHER = "|".join(f"({words})" for words in _WORDS.values())
_REAGENT = (
    r"[- ](?:anti|(?:mono|poly)clonal|antibod|antiser|ser(?:um|a)\b|igg|albumin|two-hybrid|oocyte)"
)
_NAMED = re.compile(rf"(?<![\w-])(?:{_EITHER})(?!\w|{_REAGENT})", re.IGNORECASE)
_HOSTED = re.compile("xenograft|nude m|cell lines?|(cancer|carcinoma|tumou?r) cells", re.IGNORECASE)
"""Animals of such a text may be what human cells grow in."""
_END_OF_TITLE = re.compile(r"\n|\. (?=[A-Z])")
_CERTAIN = 3
_USUAL = frozenset({"mouse", "rat"})
"""Animals that studies are of; others, named once, gave cells or a reagent."""
_VOCABULARIES = {"HGNC": HUMAN, "MGI": "mouse", "RGD": "rat"}
_OF_SPECIES = re.compile(r" \(([A-Z][a-z]+ [a-z]+)\)$| protein, ([\w ]+)$")
_SHORT_NAMES = {
    "C elegans": "Caenorhabditis elegans",
    "Drosophila": "Drosophila melanogaster",
    "E coli": "Escherichia coli",
    "S cerevisiae": "Saccharomyces cerevisiae",
    "Xenopus": "Xenopus laevis",
    "zebrafish": "Danio rerio",
}


def species_of_text(text: str) -> str:
    """The animal that a text names at least as often as people, else ``HUMAN``.

    An animal that the title names and no people beside it is the species at once. Fewer than three
    mentions do not count where a text speaks of cell lines or xenografts, nor does a single one of
    an animal that is no mouse or rat, nor the source of an antibody or a serum.

    >>> species_of_text("Il10 in colitis of mice. The mice had been treated for a week.")
    'mouse'
    """
    counts = _species_named(text)
    people = counts.pop(HUMAN, 0)
    if not counts:
        return HUMAN
    animal, count = max(sorted(counts.items()), key=lambda item: item[1])
    title = _species_named(_END_OF_TITLE.split(text, maxsplit=1)[0])
    if title[animal] and not title[HUMAN]:
        return animal
    least = _CERTAIN if _HOSTED.search(text) else 1 if animal in _USUAL else 2
    return animal if count >= max(people, least) else HUMAN


def _species_named(text: str) -> Counter[str]:
    return Counter(_GROUPS[(match.lastindex or 1) - 1] for match in _NAMED.finditer(text))


def species_of_gene(concept: ConceptLink) -> str | None:
    """The species that a gene or protein is of, as far as its id or its name says so.

    >>> species_of_gene(ConceptLink("MGI:96537", "Il10", ("T028",), 0.4))
    'mouse'
    """
    for concept_id in (concept.id, *concept.xrefs):
        species = _VOCABULARIES.get(concept_id.partition(":")[0])
        if species:
            return species
    found = _OF_SPECIES.search(concept.name)
    if not found:
        return None
    name = found[1] or found[2]
    return _SHORT_NAMES.get(name, name)

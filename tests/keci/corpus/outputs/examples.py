"""An extraction with what makes formats differ: line breaks, other alphabets, several concepts."""

from keci.documents import ConceptLink, Extraction, Mention, Relation

EXAMPLE = Extraction(
    "d/2",
    "Rash with αβ\npain after\nAbc.",
    (
        Mention("T1", 0, 4, "Rash", "Adverse Effect", 0.91, (), 1.0),
        Mention("T2", 10, 17, "αβ\npain", "Effect", 0.5, (ConceptLink("X", "beta", (), 0.2),), 0.8),
        Mention("T3", 24, 27, "Abc", "Drug", 0.75,
                (ConceptLink("MESH:D9", "abc", ("T1", "T2"), 0.6), ConceptLink("Y", "y", (), 0.1)),
                0.3),
    ),
    (Relation("R1", "T1", "T3", "caused by", 0.875),),
)  # fmt: skip

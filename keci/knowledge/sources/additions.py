"""Names in wide use that no source gives its concept; collected by hand."""

ADDED_NAMES = (
    ("GO:0016020", "membrane fraction"),
    ("MESH:D000185", "alpha-actinin"),
    ("MESH:D002148", "calmodulin-binding protein"),
    ("MESH:D002460", "cell line"),
    ("MESH:D004742", "enhancer"),
    ("MESH:D005801", "Hox"),
    ("MESH:D011401", "promoter"),
    ("MESH:D011401", "promotor"),
    ("MESH:D012322", "pre-mRNA"),
    ("MESH:D018909", "SH2"),
    ("MESH:D018909", "SH2 domain"),
    ("MESH:D018909", "SH3"),
    ("MESH:D018909", "SH3 domain"),
    ("MESH:D024202", "EMSA"),
    ("MESH:D024202", "gel shift"),
    ("MESH:D024721", "E-box"),
    ("MESH:D024721", "E box"),
)
"""Pairs of a concept's id and a name."""

"""A UMLS release of seven concepts, made for tests: every string is ours."""

import gzip
from pathlib import Path

from keci.knowledge.sources.rrf import COLUMNS

CONSO = """
C0000001 ENG P L PF S Y A - - - MTH PN X1 Aspirose 0 N -
C0000001 ENG S L VO S Y A - - - HGNC ACR HGNC:77 ASPX 0 N -
C0000001 ENG S L PF S Y A - - - MSH MH D77 Acetylrose 0 N -
C0000001 GER P L PF S Y A - - - MSHGER MH D77 Aspirosa 0 N -
C0000001 ENG S L PF S Y A - - - OLD PT X2 Outmodedrose 0 O -
C0000002 ENG P L PF S Y A - - - MTH PN X3 rose~fever 0 N -
C0000002 ENG S L PF S N A - - - NCI SY X4 febris~rosarum 0 N -
C0000003 ENG P L PF S Y A - - - MTH PN X5 rose~poisoning 0 N -
C0000004 ENG P L PF S Y A - - - MTH PN X6 petal 0 N -
C0000005 ENG P L PF S Y A - - - MTH PN X7 rose~plant 0 N -
C0000006 ENG P L PF S Y A - - - MTH PN X8 untyped~thing 0 N -
C0000007 ENG P L PF S Y A - - - NEW PN X9 novelty 0 N -
"""
STY = """
C0000001 T121 - Pharmacologic~Substance - -
C0000001 T109 - Organic~Chemical - -
C0000002 T184 - Sign~or~Symptom - -
C0000003 T037 - Injury~or~Poisoning - -
C0000004 T002 - Plant - -
C0000005 T002 - Plant - -
C0000007 T999 - Wholly~New~Type - -
"""
DEF = """
C0000001 A - - NCI A~<b>drug</b>~of~roses. N -
C0000001 A - - MSH A~drug~of~the~roses. N -
C0000002 A - - NCI Suppressed. O -
"""
REL = """
C0000004 A SCUI PAR C0000005 A SCUI has_part R - MTH MTH - Y N -
C0000003 A SCUI CHD C0000002 A SCUI isa R - MTH MTH - Y N -
C0000002 A SCUI PAR C0000003 A SCUI inverse_isa R - MTH MTH - Y N -
C0000002 A SCUI RO C0000001 A SCUI may_treat R - MTH MTH - Y N -
C0000001 A SCUI RO C0000002 A SCUI may_be_treated_by R - MTH MTH - Y N -
C0000001 A SCUI RO C0000003 A SCUI unheard_of R - NCI NCI - Y N -
C0000004 A SCUI SIB C0000005 A SCUI - R - MTH MTH - Y N -
C0000004 A SCUI RB C0000005 A SCUI - R - MTH MTH - Y O -
C0000004 A SCUI RB C0000006 A SCUI - R - MTH MTH - Y N -
C0000004 A SCUI RB C0000004 A SCUI - R - MTH MTH - Y N -
C0000003 A SCUI CHD C0000003 A SCUI isa R - MTH MTH - Y N -
"""
RANK = """
0900 MTH PN N
0500 MSH MH N
0100 HGNC ACR N
"""
SRDEF = """
STY T002 Plant A - - - - plnt -
STY T037 Injury~or~Poisoning A - - - - inpo -
STY T109 Organic~Chemical A - - - - orch -
STY T121 Pharmacologic~Substance A - - - - phsu -
STY T184 Sign~or~Symptom A - - - - sosy -
RL T154 treats R - - - - - -
RL T186 isa H - - - - - -
"""
SRSTRE1 = """
T121 T154 T184
T109 T154 T184
T109 T186 T888
"""


def write_release(folder: Path, *, packed: bool = False) -> tuple[Path, Path]:
    """Write META and NET folders below ``folder``, gzipped if ``packed``; their paths."""
    meta, net = folder / "META", folder / "NET"
    for path, file, table in (
        (meta, "MRCONSO.RRF", CONSO),
        (meta, "MRSTY.RRF", STY),
        (meta, "MRDEF.RRF", DEF),
        (meta, "MRREL.RRF", REL),
        (meta, "MRRANK.RRF", RANK),
        (net, "SRDEF", SRDEF),
        (net, "SRSTRE1", SRSTRE1),
    ):
        path.mkdir(parents=True, exist_ok=True)
        content = rows(file, table).encode()
        if packed:
            (path / f"{file}.gz").write_bytes(gzip.compress(content))
        else:
            (path / file).write_bytes(content)
    return meta, net


def rows(file: str, table: str) -> str:
    """Lines of fields parted by spaces as rows; ``-`` is an empty field, ``~`` a space."""
    width = len(COLUMNS[file].split(","))
    lines = []
    for line in table.strip().splitlines():
        fields = ["" if field == "-" else field.replace("~", " ") for field in line.split()]
        assert len(fields) == width, (file, line, len(fields))
        lines.append("|".join(fields) + "|\n")
    return "".join(lines)

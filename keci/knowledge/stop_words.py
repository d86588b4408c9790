"""English words at which no mention begins or ends: function words and units of measure."""

_FUNCTION_WORDS = """
a about above across after again against all almost alone along already also although always am
among an and another any anyone anything are around as at away back be became because become
been before behind being below between both but by can cannot could did do does doing done down
due during each either else enough even ever every few first for from further furthermore gave get
give given gives go had has have having he hence her here hers him his how however i if in indeed
instead into is it its itself just last later least less let like likely made mainly make makes
many may me mean might mine more moreover most mostly much must my near nearly neither never
nevertheless next no nor not nothing now of off often on once one only onto or other others our
out over own part per perhaps put quite rather really same second see seem seems seen several
she should show showed shown shows since so some still such take taken than that the their them
then there thereby therefore these they third this those though through throughout thus to
together too toward towards two three four five six seven eight nine ten under until up upon us
use used uses using usually various very via was we well were what when where whereas whether
which while who whom whose why will with within without would yet you your
et al eg ie vs etc ii iii iv ca cf
"""
_UNITS = """
mg kg ml mm cm nm km ng pg mol mmol nmol mmhg hz khz mhz kda kb bp min hr hrs sec bid tid qd iu
"""

STOP_WORDS = frozenset(
    form for word in f"{_FUNCTION_WORDS} {_UNITS}".split() for form in (word, word.capitalize())
) - {"A", "I"}
"""As written in running text: in lower case or at the beginning of a sentence."""

from keci.formats.write import Format
from tests.keci.corpus.outputs.examples import EXAMPLE
from tests.keci.formats.test_write import written


def test_pubtator_lines() -> None:
    assert written(Format("pubtator"), [EXAMPLE]).decode() == (
        "d/2|t|Rash with αβ\n"
        "d/2|a|pain after Abc.\n"
        "d/2\t0\t4\tRash\tAdverse Effect\tT1\n"
        "d/2\t10\t17\tαβ pain\tEffect\tX\n"
        "d/2\t24\t27\tAbc\tDrug\tMESH:D9\n"
        "d/2\tcaused by\tT1\tMESH:D9\n"
        "\n"
    )

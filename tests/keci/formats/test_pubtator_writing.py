import io

from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Extraction
from keci.formats.pubtator import read
from keci.formats.write import Format
from tests.keci.corpus.outputs.examples import EXAMPLE
from tests.keci.formats.test_write import written


@given(st.lists(st.text(st.sampled_from("ab_|% %/\t\u00a0%2"), min_size=1), unique=True))
def test_ids_come_back_and_stay_apart(ids: list[str]) -> None:
    documents = [Extraction(name, "Rash.") for name in ids]
    content = written(Format("pubtator"), documents)
    assert [item.id for item in read(io.BytesIO(content))] == ids


def test_the_id_of_another_program_is_left_as_it_is() -> None:
    (found,) = read(io.BytesIO(b"50%41|t|Rash.\n\n"))
    assert found.id == "50%41"


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

import io
import zipfile

from keci.formats.write import Format
from tests.keci.corpus.outputs.examples import EXAMPLE
from tests.keci.formats.test_write import written


def test_brat_files() -> None:
    with zipfile.ZipFile(io.BytesIO(written(Format("brat"), [EXAMPLE, EXAMPLE]))) as archive:
        assert archive.namelist() == ["d%2F2.txt", "d%2F2.ann", "d%2F2~2.txt", "d%2F2~2.ann"]
        assert archive.read("d%2F2.txt").decode() == EXAMPLE.text
        assert archive.read("d%2F2.ann").decode() == (
            "T1\tAdverse_Effect 0 4\tRash\n"
            "#1\tAnnotatorNotes T1\tscore 0.9100\n"
            "T2\tEffect 10 12;13 17\tαβ pain\n"
            "N2\tReference T2 KB:X\tbeta\n"
            "#2\tAnnotatorNotes T2\tscore 0.5000\n"
            "T3\tDrug 24 27\tAbc\n"
            "N3\tReference T3 MESH:D9\tabc\n"
            "#3\tAnnotatorNotes T3\tscore 0.7500\n"
            "R1\tcaused_by Arg1:T1 Arg2:T3\n"
        )

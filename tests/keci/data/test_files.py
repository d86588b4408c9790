import pytest

from keci.data.files import check_distinct, read_each
from keci.errors import DataError


def test_errors_name_the_file_and_the_record(tmp_path):
    def read(record, number):
        if record == "bad":
            raise DataError("it is bad")
        return number

    with pytest.raises(DataError, match=r"gold\.json, record 2: it is bad"):
        list(read_each(tmp_path / "gold.json", ["good", "bad"], read))
    with pytest.raises(DataError, match=r"record 3: a second record has the id 'a'"):
        check_distinct(tmp_path / "gold.json", ["a", "b", "a"])

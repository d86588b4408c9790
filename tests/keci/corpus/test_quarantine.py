import contextlib
import logging
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.corpus.quarantine import Accounts, Quarantine
from keci.documents import Failure
from keci.errors import DataError, KeciError
from keci.formats.failures import decode_failure, encode_failure

FAILURE = Failure("in.jsonl", 3, "x", "bad", "{")


def test_failures_are_kept_in_order(tmp_path: Path) -> None:
    path = tmp_path / "failures.jsonl"
    with Quarantine(str(path)) as quarantine:
        assert list(tmp_path.iterdir()) == []
        quarantine.add(FAILURE, 7)
        quarantine.add(Failure("\udce9", 1, "\ud800", "bad"), 9)
        assert quarantine.count == 2
    first, second = map(decode_failure, path.read_bytes().splitlines())
    assert first == (FAILURE, 7)
    assert second == (Failure("\\udce9", 1, "\\ud800", "bad"), 9)


@given(
    original=st.binary(max_size=50),
    texts=st.tuples(*[st.text(max_size=5)] * 4),
    place=st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)),
)
def test_failures_come_back_with_the_bytes_of_their_records(
    original: bytes, texts: tuple[str, str, str, str], place: tuple[int, int]
) -> None:
    source, document_id, reason, beginning = texts
    form = "jsonl" if original else ""
    failure = Failure(source, place[0], document_id, reason, beginning, original, form)
    assert decode_failure(encode_failure(failure, place[1])) == (failure, place[1])


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"[]", b"{}", b"1",
        b'{"source":1,"position":1,"id":"","reason":"","excerpt":"","ordinal":0}',
        b'{"source":"","position":true,"id":"","reason":"","excerpt":"","ordinal":0}',
        b'{"source":"","position":1,"id":"","reason":"","excerpt":"","ordinal":0,'
        b'"original_base64":"!"}',
    ],
)  # fmt: skip
def test_other_lines_are_no_failures(line: bytes) -> None:
    with pytest.raises(DataError, match="expected a failure"):
        decode_failure(line)


def test_without_failures_no_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "failures.jsonl"
    path.write_bytes(b"of an earlier run")
    with Quarantine(str(path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_exception_keeps_what_failed_so_far(tmp_path: Path) -> None:
    quarantine = Quarantine(str(tmp_path / "f.jsonl"))
    with contextlib.suppress(KeyboardInterrupt), quarantine:
        quarantine.add(FAILURE, 7)
        raise KeyboardInterrupt
    assert orjson.loads((tmp_path / "f.jsonl.partial").read_bytes())["id"] == "x"


def test_without_a_file_failures_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with Quarantine(None) as quarantine:
        quarantine.add(FAILURE, 7)
    assert caplog.record_tuples == [
        ("keci.corpus.quarantine", logging.ERROR, "in.jsonl, record 3 (id 'x') failed: bad")
    ]


@pytest.mark.parametrize(("read", "written", "failed"), [(0, 0, 0), (5, 3, 2)])
def test_accounts_that_add_up_pass(read: int, written: int, failed: int) -> None:
    Accounts(read, written, failed).check()


@pytest.mark.parametrize(("read", "written", "failed"), [(1, 0, 0), (5, 3, 3)])
def test_accounts_that_do_not_are_refused(read: int, written: int, failed: int) -> None:
    with pytest.raises(KeciError, match=f"{read} read, but {written} written, {failed} failed"):
        Accounts(read, written, failed).check()

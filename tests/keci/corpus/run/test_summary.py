from pathlib import Path

from keci.corpus.run.finished import open_finished, summarise


def test_a_summary_counts_everything(output: Path) -> None:
    record = summarise(open_finished(output)).to_record()
    assert record["documents"] == 136
    assert record["failures"]["total"] == 14
    assert record["failures"]["by_reason"]["cannot"] == 12
    assert len(record["failures"]["by_reason"]) == 2
    assert record["entities"]["by_type"] == {"Name": record["entities"]["total"]}
    assert (
        record["entities"]["total"] - record["relations"]["total"] == 136 - record["without_text"]
    )
    assert record["without_text"] == record["without_entities"]

import pytest

from keci.errors import KeciError
from keci.knowledge.vectors.settings import EmbeddingSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [("method", "rotate"), ("width", 0), ("learning_rate", 0.0), ("held_out", -1)],
)
def test_settings_that_make_no_sense_are_refused(name: str, value: object) -> None:
    with pytest.raises(KeciError, match=name):
        EmbeddingSettings(**{name: value})  # type: ignore[arg-type]

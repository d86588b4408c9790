"""The bodies of requests and answers, as OpenAPI describes them."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from keci.documents import Document, Mention, Relation


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextInput(_Strict):
    """A text, with an id that comes back in its record."""

    text: str
    id: str | None = None


class ExtractRequest(_Strict):
    """Either one ``text`` (its ``id`` may stand beside it) or several ``texts``."""

    text: str | None = None
    id: str | None = None
    texts: list[str | TextInput] | None = None

    @model_validator(mode="after")
    def _has_one_of_both(self) -> Self:
        if (self.text is None) == (self.texts is None):
            raise ValueError("expected either 'text' or 'texts'")
        if self.texts is not None and self.id is not None:
            raise ValueError("'id' goes with 'text'; the items of 'texts' have their own")
        return self

    def documents(self) -> list[Document]:
        """The texts, numbered from 1 where they have no id."""
        items = [TextInput(text=self.text, id=self.id)] if self.text is not None else self.texts
        return [
            Document(str(number), item)
            if isinstance(item, str)
            else Document(str(number) if item.id is None else item.id, item.text)
            for number, item in enumerate(items or (), start=1)
        ]


class LinkRequest(_Strict):
    """A text whose concepts are looked up."""

    text: str


class RecordModel(BaseModel):
    """What was found in a text: the record of keci-extract; offsets are code points, half-open."""

    id: str
    text: str
    entities: list[Mention]
    relations: list[Relation]


class FailureModel(BaseModel):
    """A text that could not be read, and why."""

    id: str
    error: str


class ResultsModel(BaseModel):
    """A result for each text, in order."""

    results: list[RecordModel | FailureModel]


class LinkedConceptModel(BaseModel):
    """A concept that a span may denote."""

    id: str
    name: str
    types: list[str]
    xrefs: list[str]


class LinkedMentionModel(BaseModel):
    """A span that the knowledge base has names for; its concepts stand best first."""

    start: int
    end: int
    text: str
    concepts: list[LinkedConceptModel]


class LinksModel(BaseModel):
    """The spans of a text that the knowledge base has names for."""

    mentions: list[LinkedMentionModel]


class ModelModel(BaseModel):
    """A model; ``served`` says whether it is the one that answers here."""

    name: str
    served: bool
    units: list[str]
    entity_types: list[str]
    relation_types: list[str]
    description: Annotated[
        dict[str, Any] | None, Field(description="Hashes, precision, knowledge base, versions.")
    ] = None


class ModelsModel(BaseModel):
    """The shipped models, and the one that is served."""

    models: list[ModelModel]


class StateModel(BaseModel):
    """How the server does."""

    status: str

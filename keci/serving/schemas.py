"""The bodies of requests and answers, as OpenAPI describes them."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from keci.documents import Document


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


class ConceptModel(BaseModel):
    """A concept of the knowledge base, with its share of a mention's attention."""

    id: str
    name: str
    types: list[str]
    weight: float
    xrefs: list[str] = []


class EntityModel(BaseModel):
    """A typed span; offsets are Unicode code points, half-open."""

    id: str
    start: int
    end: int
    text: str
    type: str
    score: float | None = None
    type_score: float | None = None
    assertion: Literal["present", "negated", "speculated"]
    concepts: list[ConceptModel] = []
    context_weight: float | None = None


class RelationModel(BaseModel):
    """A typed relation from the entity with id ``head`` to the one with id ``tail``."""

    id: str
    head: str
    tail: str
    type: str
    score: float | None = None
    assertion: Literal["present", "negated", "speculated"]


class RecordModel(BaseModel):
    """What was found in a text: the record of keci-extract."""

    id: str
    text: str
    entities: list[EntityModel]
    relations: list[RelationModel]


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

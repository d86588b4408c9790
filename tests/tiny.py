"""Tiny texts, tokenizer, knowledge base and architecture that the tests of the model share."""

from dataclasses import replace
from string import ascii_lowercase, digits

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from keci.batch import BatchBuilder
from keci.config import ModelConfig
from keci.documents import Document
from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory
from keci.knowledge.graph import graph_relation_names
from keci.knowledge.vocabularies import Knowledge
from keci.schema import RelationType, TaskSchema
from keci.text.tokens import TextTokenizer

SCHEMA = TaskSchema(
    name="tiny",
    entity_types=("effect", "drug"),
    relation_types=(
        RelationType("caused-by", head_types=("effect",), tail_types=("drug",)),
        RelationType("with", symmetric=True),
    ),
)

CONFIG = ModelConfig(
    max_span_pieces=4,
    span_width=8,
    hidden_width=7,
    length_width=3,
    node_width=5,
    vector_spaces=("test",),
    vector_widths=(2,),
    semantic_types=("T033", "T109", "T116"),
    graph_relations=("has_type", "inverse_has_type", "treats"),
)

_SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_WORDS = ("rash", "pain", "after", "drug", "with")
_SIGNS = (*ascii_lowercase, *digits, *"αβ-.,()/中")
VOCABULARY = (*_SPECIAL_TOKENS, *_WORDS, *_SIGNS, *(f"##{sign}" for sign in _SIGNS))


def tiny_tokenizer() -> Tokenizer:
    """A WordPiece tokenizer of a few words, letters and signs, with BERT's normalisation."""
    vocabulary = {piece: place for place, piece in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def tiny_text_tokenizer() -> TextTokenizer:
    return TextTokenizer(tiny_tokenizer())


def tiny_knowledge_base() -> KnowledgeBase:
    """Four concepts of three types; "abc" names two of them."""
    return knowledge_base_in_memory(
        (
            ConceptRecord("X:1", "rash", ("T033",), synonyms=("skin rash",)),
            ConceptRecord("X:2", "pain", ("T033",)),
            ConceptRecord("X:3", "abc", ("T109", "T116"), synonyms=("abcillin",)),
            ConceptRecord("X:4", "abc kinase", ("T116",), synonyms=("abc",), priority=1),
        ),
        (RelationRecord("X:3", "X:2", "treats"), RelationRecord("X:4", "X:2", "treats")),
    )


def knowledge_config(config: ModelConfig, base: KnowledgeBase) -> ModelConfig:
    """The config with the vocabularies of ``base`` and no concept vectors."""
    return replace(
        config,
        vector_spaces=(),
        vector_widths=(),
        semantic_types=base.type_codes,
        graph_relations=graph_relation_names(base),
    )


def tiny_builder(config: ModelConfig, base: KnowledgeBase | None) -> BatchBuilder:
    return BatchBuilder(
        tiny_text_tokenizer(),
        config,
        max_pieces=64,
        knowledge=Knowledge(base, config) if base else None,
    )


def documents(*texts: str) -> list[Document]:
    return [Document(f"d{place}", text) for place, text in enumerate(texts, start=1)]

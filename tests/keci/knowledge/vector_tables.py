"""A tiny knowledge base in a folder, and tables of vectors beside it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from keci.knowledge.base.folder import write_folder
from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory, open_knowledge_base
from keci.knowledge.vectors.folder import NewTable, TableManifest, write_table


def written_base(folder: Path, *, concepts: int = 40, name: str = "tiny") -> KnowledgeBase:
    """Concepts of two types: odd ones are parts of the even one before, in rings of ``isa``."""
    types = ("T028", "T116")
    records = [
        ConceptRecord(
            f"X:{place}",
            f"thing {place}",
            (types[place % 2],),
            definition=f"The definition number {place % 7}." if place % 3 else "",
            xrefs=(f"UMLS:C{place:07}",) if place < 10 else (),
        )
        for place in range(concepts)
    ]
    relations = [
        *(
            RelationRecord(f"X:{place}", f"X:{(place + 2) % concepts}", "isa")
            for place in range(concepts)
        ),
        *(
            RelationRecord(f"X:{place + 1}", f"X:{place}", "part_of")
            for place in range(0, concepts, 2)
        ),
    ]
    base = knowledge_base_in_memory(records, relations, name=name)
    write_folder(base.tables, folder, description=base.manifest.description)
    return open_knowledge_base(folder)


def written_table(
    folder: Path,
    base: KnowledgeBase,
    vectors: npt.NDArray[np.float32],
    *,
    concept_rows: npt.NDArray[np.int32],
    type_rows: npt.NDArray[np.int32],
    name: str = "table",
    kind: str = "imported",
) -> Path:
    manifest = TableManifest(
        name=name,
        kind=kind,
        knowledge_base=base.fingerprint,
        space=f"{kind}:{name}",
        width=vectors.shape[1],
        counts={},
        made={},
    )
    return write_table(folder, NewTable(vectors, concept_rows, type_rows), manifest)

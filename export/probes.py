"""Inputs on which an exported graph must agree with torch."""

import torch
from torch import Tensor, device

from keci.batch import BatchBuilder
from keci.documents import Document
from keci.prediction import to_tensors
from keci.training.checkpoint import LoadedRun

_TEXTS = (
    ("Aspirin caused a gastric ulcer in two of the five patients who took it daily.",
     "Binding of p53 to MDM2 was lost.", "No effect.", "Toxicity!"),
    ("Rash", "IL-2 receptor"),
    ("The α-subunit of the NF-κB complex binds DNA, and (unlike its β-subunit) needs no cofactor; "
     "mutants that lack residues 12-40 bind neither DNA nor the inhibitor, as shown by gel shift "
     "assays with purified protein and by co-immunoprecipitation from nuclear extracts.",),
)  # fmt: skip
"""Batches of several texts, of short ones, and of a single long one."""


def probe_tensors(loaded: LoadedRun) -> list[dict[str, Tensor]]:
    """All named tensors of the network in torch, for each batch of probe texts."""
    builder = BatchBuilder(
        loaded.tokenizer, loaded.settings.model, max_pieces=loaded.max_pieces, knowledge=None
    )
    probes = []
    for texts in _TEXTS:
        documents = [Document(str(number), text) for number, text in enumerate(texts)]
        batch = builder.build(builder.prepare(documents))
        with torch.inference_mode():
            tensors = loaded.network(to_tensors(batch, device("cpu")))
        probes.append({name: tensor.clone() for name, tensor in tensors.items()})
    return probes

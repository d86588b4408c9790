"""The reference that the speed of the pipeline is compared with: the plain form in eager torch."""

import torch
from torch import Tensor

from benchmarks.reference import Reference
from keci.batch import BatchBuilder
from keci.decoding import decode, final_scores
from keci.documents import Document, Extraction
from keci.model.network import Network
from keci.prediction import to_tensors
from keci.schema import TaskSchema


class PlainExtractor:
    """Extracts from one document after the other with the weights of ``network``."""

    def __init__(self, network: Network, builder: BatchBuilder, schema: TaskSchema) -> None:
        self.encoder, self.reference = network.encoder, Reference(network.spans)
        self.builder, self.schema = builder, schema

    @torch.inference_mode()
    def __call__(self, document: Document) -> Extraction:
        batch = self.builder.build(self.builder.prepare([document]))
        if not batch.arrays["span_starts"].size:
            return Extraction(document.id, document.text)
        known = self.forward(to_tensors(batch, torch.device("cpu")))
        outputs = {name: tensor.numpy() for name, tensor in known.items()}
        base = self.builder.knowledge.base if self.builder.knowledge else None
        (extraction,) = decode(batch, outputs, final_scores(outputs), schema=self.schema, base=base)
        return extraction

    def forward(self, known: dict[str, Tensor]) -> dict[str, Tensor]:
        """All tensors of a batch of one document, the given ones included."""
        return self.reference(known | dict(self.encoder.run(known)))

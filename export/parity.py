"""Whether an ONNX graph does what its torch stage does: names, axes, shapes, values."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, device

from keci.batch import BatchBuilder
from keci.documents import Document
from keci.errors import KeciError
from keci.export.graphs import STATIC_DIMS
from keci.prediction import to_tensors
from keci.runtime.session import OnnxStage
from keci.stages import TENSORS, TorchStage
from keci.training.checkpoint import LoadedRun

TOLERANCE = {"fp32": 1e-4, "w8": 0.1, "fp16": 5e-2, "int8": 0.1}
"""Admitted difference, as a share of the root mean square of the torch output.

Of fp32 and fp16 the largest difference of any value counts. In 8 bits a single value may be far
off where a channel is rarely large, so that the root mean square of the differences does. The
reduced precisions are judged by their F1; the bound here catches graphs that are wrong.
"""
_IN_8_BITS = frozenset(("w8", "int8"))


class ParityError(KeciError):
    """An exported graph does not reproduce its torch stage."""


def check_stage(
    stage: TorchStage, path: Path, probes: Sequence[Mapping[str, Tensor]], *, precision: str
) -> float:
    """Largest relative difference over the probes; raises ParityError beyond the tolerance."""
    graph = onnx.load(str(path)).graph
    _check_names("inputs", [node.name for node in graph.input], stage.input_names)
    _check_names("outputs", [node.name for node in graph.output], stage.output_names)
    _check_axes(graph.input)
    exported = OnnxStage(path, device="cpu")
    worst = 0.0
    for tensors in probes:
        with torch.inference_mode():
            expected = stage.run(tensors)
        for name, found in exported.run(tensors).items():
            differences = _differences(name, found, expected[name])
            size = _root_mean_square(expected[name]).clamp(min=1e-6)
            far = _root_mean_square if precision in _IN_8_BITS else _largest
            worst = max(worst, float(far(differences) / size))
    if not worst <= TOLERANCE[precision]:
        raise ParityError(
            f"{path.name} ({precision}) differs from torch by {worst:.2g} of the output's size, "
            f"at most {TOLERANCE[precision]:.2g} is admitted"
        )
    return worst


def _check_names(side: str, found: Sequence[str], expected: Sequence[str]) -> None:
    if tuple(found) != tuple(expected):
        raise ParityError(f"graph {side} are {list(found)}, expected {list(expected)}")


def _check_axes(nodes: Sequence[onnx.ValueInfoProto]) -> None:
    for node in nodes:
        dims = node.type.tensor_type.shape.dim
        expected = TENSORS[node.name].dims
        if len(dims) != len(expected):
            raise ParityError(f"{node.name} has {len(dims)} axes, expected {expected}")
        for dim, name in zip(dims, expected, strict=True):
            if (name in STATIC_DIMS) != bool(dim.dim_value):
                kind = "fixed" if name in STATIC_DIMS else "free"
                raise ParityError(f"axis {name} of {node.name} should be {kind}, got {dim}")


def _differences(name: str, found: Tensor, expected: Tensor) -> Tensor:
    if found.shape != expected.shape:
        raise ParityError(f"{name} has shape {list(found.shape)}, torch {list(expected.shape)}")
    return found.float() - expected.float()


def _root_mean_square(values: Tensor) -> Tensor:
    return values.float().square().mean().sqrt() if values.numel() else torch.zeros(())


def _largest(values: Tensor) -> Tensor:
    return values.abs().max() if values.numel() else torch.zeros(())


_TEXTS = (
    ("Aspirin caused a gastric ulcer in two of the five patients who took it daily.",
     "Binding of p53 to MDM2 was lost.", "No effect.", "Toxicity!"),
    ("Rash", "IL-2 receptor"),
    ("The α-subunit of the NF-κB complex binds DNA, and (unlike its β-subunit) needs no cofactor; "
     "mutants that lack residues 12-40 bind neither DNA nor the inhibitor, as shown by gel shift "
     "assays with purified protein and by co-immunoprecipitation from nuclear extracts.",),
    ("BACKGROUND: Little is known about long-term outcomes in children under 5 years.",
     "A 67-year-old woman with rheumatoid arthritis developed pancytopenia three weeks after the "
     "dose of methotrexate was raised from 10 to 25 mg/week.",
     "Serum creatinine rose to 4.2 mg/dL (normal 0.6-1.1), and dialysis was begun on day 9.",
     "We sequenced BRCA1, TP53 and PTEN in 1,204 tumours; 12.7% carried a c.5266dupC variant.",
     "N-acetyl-p-benzoquinone imine, 5-fluorouracil and (2R,4S)-ketoconazole were compared.",
     "Mice lacking Il10 (n = 8) lost weight, P < 0.001, whereas wild-type littermates did not.",
     "Neither hypertension nor diabetes mellitus was associated with recurrence (HR 1.03; 95% CI "
     "0.88 to 1.21) after adjustment for age, sex and smoking.",
     "Escherichia coli O157:H7 was isolated from stool, and she was given fluids alone.",
     "Seizures stopped when the infusion of imipenem was discontinued.",
     "CONCLUSION: THE DRUG WAS WELL TOLERATED.",
     "The crystal structure, solved at 2.1 Å, shows a dimer whose interface buries 1,450 Å².",
     "Kinase activity depends on Mg2+ and is blocked by staurosporine at 10 nM.",
     "Nurses' attitudes were assessed with a questionnaire of 24 items in São Paulo.",
     "Methods for the analysis of variance.",
     "Hepatitis, jaundice, fever, rash, eosinophilia, and lymphadenopathy were all reported.",
     "Gene expression in hippocampus, cortex and cerebellum was quantified by RT-PCR and RNA-seq.",
     "No deaths occurred!", "What, then, is the mechanism?", "Part II.",
     "Cisplatin-induced ototoxicity was seen in 14/31 patients; one became deaf.",
     "Vitamin B12 and folate were normal; anti-dsDNA, ANA and pANCA were negative."),
)  # fmt: skip
"""Batches of several texts, of short ones, of a single long one, and of much that texts have."""

_MORE_TEXTS = Path(__file__).with_name("probes.txt")
"""A text a line, of the kind that is extracted from.

All probes also show what values the channels of activations take; see calibration.py.
"""
_BATCH = 16


def probe_tensors(loaded: LoadedRun) -> list[dict[str, Tensor]]:
    """All named tensors of the network in torch, for each batch of probe texts."""
    builder = BatchBuilder(
        loaded.tokenizer, loaded.settings.model, max_pieces=loaded.max_pieces, knowledge=None
    )
    probes = []
    more = _MORE_TEXTS.read_text("utf-8").splitlines()
    batches = [more[start : start + _BATCH] for start in range(0, len(more), _BATCH)]
    for texts in (*_TEXTS, *batches):
        documents = [Document(str(number), text) for number, text in enumerate(texts)]
        batch = builder.build(builder.prepare(documents))
        with torch.inference_mode():
            tensors = loaded.network(to_tensors(batch, device("cpu")))
        probes.append({name: tensor.clone() for name, tensor in tensors.items()})
    return probes

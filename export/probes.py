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
"""Batches of several texts, of short ones, of a single long one, and of much that texts have.

They also show what values the channels of activations take; see calibration.py.
"""


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

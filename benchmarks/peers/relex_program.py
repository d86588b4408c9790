"""Trains GLiNER-RelEx and predicts with it; run by a Python that has gliner, and not keci.

It reads and writes the files of ``benchmarks.peers.sentences`` and knows nothing else of KECI.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

Record = dict[str, Any]
ENTITIES = ["Drug", "Adverse-Effect"]
RELATIONS = ["Adverse-Effect"]
LEAST = 0.05
"""Score from which on predictions are written; the threshold is chosen among them."""


def main() -> None:
    """Train a model, or predict the sentences of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    for name in ("data", "encoder", "output"):
        training.add_argument(f"--{name}", type=Path, required=True)
    training.add_argument("--encoder-rate", type=float, required=True)
    training.add_argument("--upper-rate", type=float, required=True)
    training.add_argument("--batch-size", type=int, required=True)
    training.add_argument("--epochs", type=int, required=True)
    training.add_argument("--steps", type=int, help="in place of epochs, for a trial")
    prediction = commands.add_parser("predict")
    for name in ("model", "sentences", "output"):
        prediction.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    (train if options.command == "train" else predict)(options)


def train(options: argparse.Namespace) -> None:
    """Train by GLiNER's own trainer, from the encoder on."""
    import torch
    from gliner import GLiNER

    torch.manual_seed(1)
    model = GLiNER.from_config(
        {
            "model_type": "gliner_uni_encoder_span_relex",
            "model_name": str(options.encoder),
            "relations_layer": "dot",
            "hidden_size": 384,
            "num_rnn_layers": 0,
            "augment_data_prob": 0.0,
        }
    )
    split = model.data_processor.words_splitter
    records = [words_of(record, split) for record in json.loads(options.data.read_text("utf-8"))]
    steps = options.steps or options.epochs * len(records) // options.batch_size
    trainer = model.train_model(
        records,
        records[:1],
        output_dir=str(options.output / "checkpoints"),
        learning_rate=options.encoder_rate,
        others_lr=options.upper_rate,
        per_device_train_batch_size=options.batch_size,
        max_steps=steps,
        optim="adamw_torch_fused",
        save_steps=100,
        save_total_limit=2,
        dataloader_num_workers=0,
        use_cpu=True,
        seed=1,
    )
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    if not min(losses) > 0:
        raise RuntimeError("GLiNER's trainer skipped steps that failed: a loss is 0")
    model.save_pretrained(str(options.output / "model"))


def words_of(record: Record, split: Any) -> Record:
    """A sentence of SpERT's format in the words that GLiNER itself makes of the text."""
    ends = list(accumulate(len(token) + 1 for token in record["tokens"]))
    starts = [0, *ends]
    words = list(split(" ".join(record["tokens"])))
    first = {start: number for number, (_, start, _) in enumerate(words)}
    last = {end: number for number, (_, _, end) in enumerate(words)}
    return {
        "tokenized_text": [word for word, _, _ in words],
        "ner": [
            [first[starts[entity["start"]]], last[ends[entity["end"] - 1] - 1], entity["type"]]
            for entity in record["entities"]
        ],
        "relations": [[item["head"], item["tail"], item["type"]] for item in record["relations"]],
    }


def predict(options: argparse.Namespace) -> None:
    """Write the predictions of at least ``LEAST`` as KECI's jsonl."""
    from gliner import GLiNER

    model = GLiNER.from_pretrained(str(options.model), local_files_only=True)
    sentences = [json.loads(line) for line in options.sentences.open(encoding="utf-8")]
    texts = [sentence["text"] for sentence in sentences]
    entities, relations = model.inference(texts, ENTITIES, RELATIONS, threshold=LEAST)
    with options.output.open("w", encoding="utf-8") as output:
        for sentence, found, related in zip(sentences, entities, relations, strict=True):
            output.write(json.dumps(extraction(sentence, found, related)) + "\n")


def extraction(sentence: Record, found: Sequence[Record], related: Sequence[Record]) -> Record:
    """A record of KECI's jsonl."""
    entities = [
        {
            "id": f"T{number}",
            "type": entity["label"],
            **{name: entity[name] for name in ("start", "end", "text", "score")},
        }
        for number, entity in enumerate(found, start=1)
    ]
    relations = [
        {
            "id": f"R{number}",
            "type": item["relation"],
            "head": f"T{item['head']['entity_idx'] + 1}",
            "tail": f"T{item['tail']['entity_idx'] + 1}",
            "score": item["score"],
        }
        for number, item in enumerate(related, start=1)
    ]
    text = {"id": sentence["id"], "text": sentence["text"]}
    return text | {"entities": entities, "relations": relations}


if __name__ == "__main__":
    main()

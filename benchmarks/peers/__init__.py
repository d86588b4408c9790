"""KECI beside SpERT and GLiNER-RelEx: the same encoder, training sentences, machine and metric."""

"""Scores of predictions against annotated documents, by the metric of the task."""

from keci.evaluation.evaluation import Evaluation, Figures, evaluate
from keci.evaluation.tally import MacroScore, Score, Tally

__all__ = ["Evaluation", "Figures", "MacroScore", "Score", "Tally", "evaluate"]

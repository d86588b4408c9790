"""Scores of predictions against annotated documents, by the metric of the task."""

from keci.training.scoring.evaluation import Evaluation, Figures, evaluate
from keci.training.scoring.tally import MacroScore, Score, Tally

__all__ = ["Evaluation", "Figures", "MacroScore", "Score", "Tally", "evaluate"]

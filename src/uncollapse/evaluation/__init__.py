"""What a model has become: its surprise at text it has not seen, its calibration, its answers."""

from uncollapse.evaluation.choice import accuracies, answer, gathered_answers
from uncollapse.evaluation.measures import Measure, measures_of
from uncollapse.evaluation.questions import Question, read_questions
from uncollapse.evaluation.reading import Reading, gathered_texts, read_texts

__all__ = [
    "Measure",
    "Question",
    "Reading",
    "accuracies",
    "answer",
    "gathered_answers",
    "gathered_texts",
    "measures_of",
    "read_questions",
    "read_texts",
]

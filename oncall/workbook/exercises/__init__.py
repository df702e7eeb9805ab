"""The lessons' exercises, and the one function that checks an answer and says why it is wrong."""

from oncall.workbook.exercises.case import recorded_incident
from oncall.workbook.exercises.checking import NAMES, check
from oncall.workbook.exercises.feedback import Feedback
from oncall.workbook.exercises.sentences import SENTENCES

__all__ = ["NAMES", "SENTENCES", "Feedback", "check", "recorded_incident"]

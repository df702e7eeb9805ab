"""The exercises of the lessons, and the one function that checks an answer and says why it is wrong."""

from oncall.workbook.exercises.checking import NAMES, check
from oncall.workbook.exercises.feedback import Check
from oncall.workbook.exercises.postmortem import SENTENCES, recorded_incident

__all__ = ["NAMES", "SENTENCES", "Check", "check", "recorded_incident"]

"""The cockpit: a shift on call by buttons, with its picture, its journal and its debrief."""

from oncall.workbook.cockpit.cockpit import Cockpit

__all__ = ["Cockpit"]

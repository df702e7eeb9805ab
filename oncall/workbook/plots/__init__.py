"""Plots of counts and incidents, and the frame of every explorer."""

from oncall.workbook.plots.base import Plot, styled
from oncall.workbook.plots.burn import plot_burn
from oncall.workbook.plots.timeline import impact_span, plot_timeline, stays

__all__ = ["Plot", "impact_span", "plot_burn", "plot_timeline", "stays", "styled"]

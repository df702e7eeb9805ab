"""Plots of counts and incidents, and the frame of every explorer."""

from oncall.workbook.plots.base import Plot, plot_burn, plot_timeline

__all__ = ["Plot", "plot_burn", "plot_timeline"]

"""The colours of every picture: Okabe and Ito's, told apart by people of every colour vision."""

from __future__ import annotations

BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
INK = "#222222"
GREY = "#767676"
ACTION_COLOURS = {"page": VERMILION, "ticket": ORANGE}
SHADE = 0.18  # how strongly a span is shaded, so that lines stay legible on it

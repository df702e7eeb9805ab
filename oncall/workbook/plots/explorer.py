"""An explorer: sliders, one line of text, and a picture that follows them.

The figure is drawn once. What never moves is kept as a background; each move restores it, draws
the few artists that changed over it and sends one PNG. Nothing here uses pyplot, so no figure stays
open.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from comm import DummyComm
from ipywidgets import HTML, FloatSlider, Image, IntSlider, SelectionSlider, VBox
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image as Pillow

from oncall.telemetry.engine import downsample
from oncall.workbook.plots.base import Floats, show, styled

Model = dict[str, Any]  # int, float, str or None

# Inches of 100 pixels: still legible where JupyterLab has only two thirds of that to give.
EXPLORER_WIDTH = 6.4
DPI = 150  # finer than the page shows it, for sharp screens and for zoom
PIXELS = 840  # about as wide as a curve is in the picture
FEW = 12  # values that an error can list
# Where there is little room each label stands above its slider, and no value's name is cut off.
_STYLE = """<style>
.oncall-explorer { container-type: inline-size }
.oncall-explorer .widget-readout { flex-shrink: 0 }
@container (max-width: 420px) {
  .oncall-explorer > .widget-inline-hbox { flex-wrap: wrap; height: auto }
  .oncall-explorer > .widget-inline-hbox > .widget-label { flex-basis: 100%; text-align: left }
}
</style>"""


class Explorer(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Controls, one line of text and a picture; the text and the picture follow the controls.

    ``controls`` maps names to widgets with a ``value``. ``update`` is called with those values by
    name; it changes ``artists`` in place and returns the model, a dict of plain numbers.
    ``describe`` says the model in one line. ``artists`` are all that ``update`` changes, by name;
    they are drawn over everything else, by their zorder. Without a kernel it shows the line and the
    picture.
    """

    def __init__(
        self,
        figure: Figure,
        artists: Mapping[str, Artist],
        controls: Mapping[str, Any],
        update: Callable[..., Model],
        describe: Callable[[Model], str],
    ):
        self.figure, self.artists, self.controls = figure, dict(artists), dict(controls)
        self.model: Model = {}
        self._update, self._describe = update, describe
        self._cached = CachedFigure(figure, self.artists.values())
        width, height = (str(round(inches * 100)) for inches in figure.get_size_inches())
        self._readout = HTML(layout={"width": "100%"})
        self._picture = Image(width=width, height=height, layout={"max_width": "100%"})
        super().__init__([*self.controls.values(), self._readout, self._picture])
        self.add_class("oncall-explorer")
        _line_up(list(self.controls.values()))
        for control in self.controls.values():
            control.observe(lambda _: self._redraw(), "value")
        self._redraw()

    @property
    def text(self) -> str:
        """What the picture shows, in one line."""
        return self._describe(self.model)

    @property
    def png(self) -> bytes:
        """The picture as it is now, as a PNG file: the same bytes for the same values."""
        return bytes(self._picture.value)

    def set(self, **values: Any) -> Model:
        """Move controls, as a hand would, and return the model.

        A ``ValueError`` for a control that is not there, and for a value that it cannot have.
        """
        for name, value in values.items():
            _check(self.controls.get(name), name, value, self.controls)
            self.controls[name].value = value
        return self.model

    def at(self, **values: Any) -> Snapshot:
        """What it would show with these controls moved: its picture, line and model.

        The explorer itself, and so what a reader sees of it further up, stays as it is. Errors are
        those of ``set``.
        """
        now = self._values()
        for name, value in values.items():
            _check(self.controls.get(name), name, value, self.controls)
        model = self._update(**now | values)
        try:
            png, width = self._cached.draw(), int(self._picture.width)
            return Snapshot(png, width, self._describe(model), model)
        finally:
            self._update(**now)

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def _redraw(self) -> None:
        self.model = self._update(**self._values())
        self._readout.value = f'{_STYLE}<div style="line-height: 1.4">{escape(self.text)}</div>'
        self._picture.value = self._cached.draw()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture and the line for every viewer, and the live widget if a kernel can drive it.

        Nothing random is among them but the widget's id, which nbval leaves out of its comparison.
        """
        live = {} if isinstance(self.comm, DummyComm) else super()._repr_mimebundle_(**kwargs)
        still = {"text/plain": self.text, "image/png": b64encode(self.png).decode("ascii")}
        size = {"width": int(self._picture.width), "height": int(self._picture.height)}
        return live | still, {"image/png": size | {"alt": self.text}}


@dataclass(frozen=True, repr=False)
class Snapshot:
    """What an explorer shows for some values: a PNG file, its width on the page, line and model."""

    png: bytes
    width: int
    text: str
    model: Model

    def __repr__(self) -> str:
        return self.text

    def _ipython_display_(self) -> None:
        show(self.png, self.text, width=self.width)


class CachedFigure:
    """A figure of which only some artists change; the rest is drawn once, as a background."""

    def __init__(self, figure: Figure, artists: Iterable[Artist]):
        self._figure, self._canvas = figure, FigureCanvasAgg(figure)
        self._moving = sorted(artists, key=lambda artist: artist.get_zorder())
        for artist in self._moving:
            artist.set_animated(True)
        self.draw_background()

    @styled()  # matplotlib makes its ticks only now
    def draw_background(self) -> None:
        """Draw the background; again only if some of it has changed after all, as an axis may."""
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self._figure.bbox)

    def draw(self) -> bytes:
        """The figure as it is now, as a PNG file."""
        self._canvas.restore_region(self._background)
        for artist in self._moving:
            self._figure.draw_artist(artist)
        size, pixels, file = (
            self._canvas.get_width_height(),
            self._canvas.buffer_rgba(),
            io.BytesIO(),
        )
        picture = Pillow.frombuffer("RGBA", size, pixels, "raw", "RGBA", 0, 1)
        # Packed lightly: packing it well would take longer than drawing it.
        picture.convert("RGB").save(file, "png", compress_level=1)
        return file.getvalue()


# --- what an explorer is made of -----------------------------------------------------------------


def blank_figure(height: float) -> Figure:
    """An empty figure of an explorer's width; ``height`` is in inches of 100 pixels."""
    return Figure(figsize=(EXPLORER_WIDTH, height), dpi=DPI, layout="constrained")


def slider(label: str, low: float, high: float, step: float, value: float) -> Any:
    """A slider over numbers. ``label`` ends with the unit in brackets: ``It lasts (minutes)``."""
    if all(isinstance(number, int) for number in (low, high, step, value)):
        return IntSlider(value, low, high, step, description=label)
    digits = len(f"{step:f}".rstrip("0").partition(".")[2])
    shown = f".{digits}f"
    return FloatSlider(value, min=low, max=high, step=step, description=label, readout_format=shown)


def choice(label: str, options: Mapping[str, Any], value: Any) -> Any:
    """A slider over a few named values; the names carry the unit: ``{"1 h": 60, "6 h": 360}``."""
    return SelectionSlider(options=list(options.items()), value=value, description=label)


def envelope(x: NDArray[Any], y: Floats, pixels: int = PIXELS) -> tuple[NDArray[Any], Floats]:
    """The same curve in two points for each pixel, its lowest and its highest value there.

    A pixel is ``nan`` only where all of its values are.
    """
    if len(y) <= 2 * pixels:
        return x, y
    return np.repeat(x[np.arange(pixels) * len(x) // pixels], 2), downsample(y, pixels).ravel()


def _line_up(controls: list[Any]) -> None:
    """Give all labels the width of the longest: none is clipped, and the sliders line up."""
    longest = max((len(control.description) for control in controls), default=0)
    for control in controls:
        control.style.description_width = f"{0.8 * longest + 3:.0f}ch"
        control.layout.width, control.layout.max_width = "100%", "600px"


def _check(control: Any, name: str, value: Any, controls: Mapping[str, Any]) -> None:
    """Refuse a control that is not there, and a value that it cannot have."""
    if control is None:
        raise ValueError(f"there is no control {name!r}; give {', '.join(controls)}")
    if hasattr(control, "options"):
        values = [option for _, option in control.options]
        possible, choices = value in values, f"one of {', '.join(map(repr, values))}"
        if len(values) > FEW:
            choices = f"one like {values[0]!r}, {values[1]!r} … {values[-1]!r}"
    elif hasattr(control, "step"):
        possible = _on_a_step(control, value)
        choices = f"a number from {control.min} to {control.max}"
    else:
        kind = type(control.value)
        possible, choices = isinstance(value, kind), f"something like {control.value!r:.40}"
    if not possible:
        raise ValueError(f"{control.description!r} cannot be {value!r:.60}; give {choices}")


def _on_a_step(control: Any, value: Any) -> bool:
    """Whether a slider can stand at this number: it would take the nearest that it can instead."""
    whole = isinstance(control.value, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return bool(control.min <= value <= control.max)

"""What a reader does with a notebook in JupyterLab: open it, run it, press keys and buttons."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, Locator, Page

HEIGHT = 900  # of the window
SIZES = ((1280, 1), (900, 1), (1280, 2))  # its width, and the zoom
PATIENCE = 60_000  # milliseconds for what takes one on a quiet machine

# Runs in the page. Resolves when the element shows another first picture than at the call and the
# browser has decoded it: how long after the key press or the click, and the least height that the
# picture had meanwhile.
_WATCH = """place => {
    const picture = () => place.querySelector("img");
    const before = picture() && picture().src;
    let began = null, least = Infinity;
    const note = event => { began ??= event.timeStamp };
    for (const kind of ["keydown", "pointerdown"])
        addEventListener(kind, note, {capture: true, once: true});
    window.newPicture = new Promise(resolve => {
        const look = () => {
            const now = picture();
            least = Math.min(least, now ? now.getBoundingClientRect().height : 0);
            if (now && now.src !== before && now.complete && now.naturalWidth)
                now.decode().then(() => resolve({after: performance.now() - began, least}), look);
            else
                requestAnimationFrame(look);
        };
        look();
    });
}"""
_NEW_PICTURE = """patience => Promise.race([window.newPicture, new Promise((_, reject) =>
    setTimeout(() => reject(new Error(`no new picture in ${patience} ms`)), patience))])"""

_IDLE = """() => document.querySelector("#jp-main-statusbar").textContent.includes("| Idle")"""

# What a cell writes when it fails or warns. Some versions of JupyterLab mark both as stderr.
_TROUBLE = ".jp-OutputArea-output[data-mime-type*=err]"

# Either every code cell has its number, or one has failed, so that the rest is not run.
_ALL_RUN = f"""() => document.querySelector("{_TROUBLE}") ||
    [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
        .every(prompt => /\\d\\]/.test(prompt.textContent))"""
_NONE_RUN = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
    .every(prompt => !/\\d/.test(prompt.textContent))"""

# What is cut off in an element, or runs out of the cell's output: [what, what it needs and has].
_CLIPPED = """place => {
    const output = place.closest(".jp-OutputArea-output");
    const edge = Math.min(output.getBoundingClientRect().right, innerWidth);
    const seen = [...place.querySelectorAll("*")].filter(one => one.checkVisibility());
    const written = text => {
        const range = document.createRange();
        range.selectNodeContents(text);
        return range.getBoundingClientRect().width;
    };
    const chosen = kinds => seen.filter(one => one.matches(kinds));
    const text = one => one.textContent || one.value || one.className;
    const name = one => `${one.localName} ${text(one)}`.slice(0, 60);
    return [
        ...[output, ...chosen("button, .widget-box")]
            .map(one => [name(one), one.scrollWidth, one.clientWidth]),
        ...chosen("button")
            .map(one => [name(one) + " (height)", one.scrollHeight, one.clientHeight]),
        ...chosen(".widget-label, .widget-html, .widget-readout")
            .map(one => [name(one), written(one), one.clientWidth]),
        ...chosen("button, input, select, textarea, img, .slider-container")
            .concat(chosen(".widget-readout, .widget-html"))
            .map(one => [name(one) + " (right edge)", one.getBoundingClientRect().right, edge]),
        ...chosen(".slider-container").map(one => ["a slider's track", 80, one.clientWidth]),
    ].filter(([, needs, has]) => needs > has + 2);  // a widget of full width has a margin of 2
}"""

# A picture's width by its height, as it is shown and as it is; and its size in dots of the screen.
_SHAPES = "image => [image.width / image.height, image.naturalWidth / image.naturalHeight]"
_SCALE = (
    "image => image.width * devicePixelRatio / (image.getAttribute('width') || image.naturalWidth)"
)


@dataclass
class NotebookPage:
    """A notebook open in the browser, and the errors that its console has shown."""

    page: Page
    screen: CDPSession
    errors: list[str] = field(default_factory=list)

    def resize(self, width: int, zoom: float = 1) -> None:
        """Set the window's width and the browser's zoom: at 2 half as much fits, twice as big."""
        size = {"width": int(width / zoom), "height": int(HEIGHT / zoom)}
        self.page.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict of these two
        # A page of Playwright's keeps its number of dots to a pixel.
        self.screen.send(
            "Emulation.setDeviceMetricsOverride",
            {**size, "deviceScaleFactor": zoom, "mobile": False},
        )
        now = "([width, zoom]) => innerWidth === width && devicePixelRatio === zoom"
        self.page.wait_for_function(now, arg=[size["width"], zoom])

    def photograph(self, path: Path) -> None:
        """Keep what the window shows."""
        # Playwright's own screenshot would undo the zoom.
        path.write_bytes(b64decode(self.screen.send("Page.captureScreenshot")["data"]))

    def menu(self, *names: str) -> None:
        """Choose from the menus: ``menu("Run", "Run All Cells")``."""
        for name in names:
            self.page.get_by_role("menuitem", name=name, exact=True).click()

    def run_all(self) -> None:
        """Run all cells and wait until each has its number; an error or warning fails the test."""
        self.menu("Edit", "Clear Outputs of All Cells")
        self.page.wait_for_function(_NONE_RUN, timeout=PATIENCE)
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(_ALL_RUN, timeout=3 * PATIENCE)
        assert self.page.locator(_TROUBLE).all_text_contents() == []

    def cell(self, number: int) -> Locator:
        """The notebook's code cell of this number, from 1."""
        return self.page.locator(".jp-CodeCell").nth(number - 1)

    def widget(self, cell: int) -> Locator:
        """What a cell shows below its code and its printed text: the explorer, or the cockpit."""
        return self.cell(cell).locator(".jp-OutputArea-output > .jupyter-widgets").first

    def slider(self, cell: int, name: str) -> Locator:
        """The handle of the slider whose label holds ``name``."""
        return (
            self.cell(cell).locator(".widget-hslider").filter(has_text=name).get_by_role("slider")
        )

    def rest(self) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function(_IDLE, timeout=PATIENCE)

    def redraw(self, place: Locator, do: Callable[[], object]) -> dict[str, float]:
        """Do something, and wait for the next first picture of a place.

        The answer is how many milliseconds ``after`` the key or click it came, and the ``least``
        height of the picture meanwhile.
        """
        self.rest()
        place.evaluate(_WATCH)
        do()
        moved: dict[str, float] = self.page.evaluate(_NEW_PICTURE, PATIENCE)
        return moved

    def wait_for_other_text(self, place: Locator, before: str) -> None:
        """Wait until a place says something else."""
        changed = "([place, before]) => place.innerText.trim() !== before.trim()"
        self.page.wait_for_function(changed, arg=[place.element_handle(), before], timeout=PATIENCE)

    def new_errors(self) -> list[str]:
        """The errors that the console has shown since the last time this was asked."""
        found, self.errors = self.errors, []
        return found

    def move(self, cell: int, slider: str, keys: Sequence[str]) -> list[dict[str, float]]:
        """Focus a slider and press keys, each once the last one's picture is there."""
        self.slider(cell, slider).focus()
        press = self.page.keyboard.press
        return [self.redraw(self.cell(cell), partial(press, key)) for key in keys]


def clipped(place: Locator) -> list[object]:
    """What in a place is cut off or runs out of the cell's output."""
    found: list[object] = place.evaluate(_CLIPPED)
    return found


def assert_legible(picture: Locator) -> None:
    """A picture is not distorted, and letters of 10 points are at least 7.5 dots high."""
    shown, whole = picture.evaluate(_SHAPES)
    assert shown == pytest.approx(whole, rel=0.02)
    assert picture.evaluate(_SCALE) * 10 * 100 / 72 >= 7.5


def open_notebook(
    browser: Browser, address: str, width: int = 1280, zoom: float = 1
) -> NotebookPage:
    """Open a notebook in a window of this width, and wait until it can be run."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT})
    page.set_default_timeout(PATIENCE)
    opened = NotebookPage(page, page.context.new_cdp_session(page))
    page.on(
        "console", lambda said: opened.errors.append(said.text) if said.type == "error" else None
    )
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.resize(width, zoom)
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=2 * PATIENCE)
    # A cell that is run before the kernel is there makes JupyterLab ask for one.
    page.wait_for_function(_IDLE, timeout=2 * PATIENCE)
    return opened

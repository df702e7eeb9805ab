"""What a reader does with a notebook in JupyterLab: open it, run all, press keys, wait for a new picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Locator, Page

# Runs in the page. Resolves when the cell shows another picture than at the call and the browser
# has decoded it: how long after the key press, and the least height that the picture had meanwhile.
_WATCH = """cell => {
    const picture = () => cell.querySelector("img");
    const before = picture() && picture().src;
    let pressed = null, least = Infinity;
    addEventListener("keydown", event => { pressed = event.timeStamp }, {capture: true, once: true});
    window.newPicture = new Promise(resolve => {
        const look = () => {
            const now = picture();
            least = Math.min(least, now ? now.getBoundingClientRect().height : 0);
            if (now && now.src !== before && now.complete && now.naturalWidth)
                now.decode().then(() => resolve({after: performance.now() - pressed, least}));
            else
                requestAnimationFrame(look);
        };
        look();
    });
}"""

_ALL_RUN = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt")]
    .every(prompt => /\\[\\d+\\]/.test(prompt.textContent))"""


@dataclass
class NotebookPage:
    """A notebook open in the browser, and the errors that its console has shown."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def run_all(self) -> None:
        """Run > Run All Cells, and wait until each cell has its number."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(_ALL_RUN, timeout=60_000)

    def cell(self, number: int) -> Locator:
        """The notebook's code cell of this number, from 1."""
        return self.page.locator(".jp-CodeCell").nth(number - 1)

    def slider(self, cell: int, name: str) -> Locator:
        """The handle of the slider whose label holds ``name``."""
        return self.cell(cell).locator(".widget-hslider").filter(has_text=name).get_by_role("slider")

    def press(self, cell: int, key: str) -> dict[str, float]:
        """Press a key and wait for the cell's next picture; see ``_WATCH`` for what is returned."""
        self.cell(cell).evaluate(_WATCH)
        self.page.keyboard.press(key)
        moved: dict[str, float] = self.page.evaluate("window.newPicture")
        return moved

    def move(self, cell: int, slider: str, keys: Sequence[str]) -> list[dict[str, float]]:
        """Focus a slider and press keys, each after the last one's picture has come and the page has been still."""
        self.slider(cell, slider).focus()
        moved = []
        for key in keys:
            self.page.wait_for_timeout(250)
            moved.append(self.press(cell, key))
        return moved


def open_notebook(browser: Browser, address: str, width: int = 1280, zoom: float = 1) -> NotebookPage:
    """Open a notebook in a window 900 high. ``zoom`` is the browser's: at 2, half as much at twice the size."""
    size = {"width": int(width / zoom), "height": int(900 / zoom)}
    page = browser.new_page(viewport=size, device_scale_factor=zoom)
    opened = NotebookPage(page)
    page.on("console", lambda said: opened.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: opened.errors.append(str(error)))
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=120_000)
    # A cell that is run before the kernel is there makes JupyterLab ask for one.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
    return opened

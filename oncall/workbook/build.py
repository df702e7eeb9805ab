"""Make lessons of their text and execute them: ``python -m oncall.workbook.build [FILE…]``.

A file is a lesson's text, ``notebooks/source/NN_name.md``, of which ``oncall.workbook.source``
makes a lesson and its worked answers, or one of these notebooks; one that has no text is executed
as it stands. Without arguments everything below ``notebooks/`` is built. It writes the same bytes
every time. A notebook with a cell that raises is left as it was. A lesson's first picture is
written to ``pictures/`` beside it, for pages that show it.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from oncall.files import read_text, write_text
from oncall.workbook import source

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},  # the rest changes from one Python to the next
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class BuildError(Exception):
    """A notebook could not be executed; says which, where, and why in a few lines."""


def main(names: Sequence[str]) -> int:
    """Build these notebooks, or all; 1 when one fails or there is none."""
    try:
        for path in _to_build([Path(name) for name in names]):
            print(f"{path}: {'written' if build(path) else 'unchanged'}")
            _write_first_picture(path)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _to_build(named: list[Path]) -> list[Path]:
    """The notebooks that these files are or make; of no files, all below ``notebooks/``."""
    folder = Path("notebooks")
    texts = [path for path in named if path.suffix == ".md"]
    found = [path for path in named if path.suffix != ".md"]
    if not named:
        texts, found = sorted((folder / source.FOLDER).glob("*.md")), notebooks(folder)
    try:
        made = [notebook for text in texts for notebook in source.made_from(text)]
    except (OSError, ValueError) as error:
        raise BuildError(str(error)) from None
    if not found and not made:
        raise BuildError("no notebook below notebooks/; go to the project's folder, or name one")
    return sorted({*found, *made})


def _write_first_picture(path: Path) -> None:
    png = first_picture(path)
    if png and path.parent.name != "solutions":
        folder = path.parent / "pictures"
        folder.mkdir(exist_ok=True)
        (folder / f"{path.stem}.png").write_bytes(png)


def first_picture(path: Path) -> bytes | None:
    """The first picture that a stored notebook shows, as a PNG file; ``None`` if it shows none."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                return b64decode(output.data["image/png"])
    return None


def notebooks(folder: Path) -> list[Path]:
    """All notebooks in a folder and below, in order, Jupyter's checkpoints left out."""
    found = folder.rglob("*.ipynb")
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def build(path: Path) -> bool:
    """Execute a notebook in its folder, in a fresh kernel of this Python: has its file changed?"""
    try:
        has_text = source.source_of(path) is not None
        before = "" if has_text and not path.exists() else read_text(path)
        notebook: Any = source.make(path) if has_text else nbformat.reads(before, as_version=4)
    except (OSError, ValueError) as error:
        raise BuildError(f"{path}: {error}") from None
    for cell in _code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    _execute(path, notebook)
    _normalise(notebook)
    text: str = nbformat.writes(notebook) + "\n"
    if text != before:
        path.parent.mkdir(exist_ok=True)
        write_text(path, text)
    return text != before


def _code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _execute(path: Path, notebook: Any) -> None:
    # No folders of kernels: then python3 is the running interpreter, whatever else is installed.
    kernels = KernelSpecManager(kernel_dirs=[])
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels),
        extra_arguments=["--log-level=ERROR"],  # the kernel has no news for the terminal
        record_timing=False,
        timeout=600,
        startup_timeout=180,
    )
    with tempfile.TemporaryDirectory() as profile:  # not the reader's own start-up files
        try:
            client.execute(cwd=str(path.parent), env=os.environ | {"IPYTHONDIR": profile})
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise BuildError(_what_failed(path, notebook, error)) from None


def _what_failed(path: Path, notebook: Any, error: Exception) -> str:
    """The notebook, the cell that ran last, its line, and the error: not a page of traceback."""
    cells = [cell for cell in _code_cells(notebook) if cell.source.strip()]
    failed = [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    number = sum(cell.execution_count is not None for cell in cells)
    where = f"{path}, code cell {number} of {len(cells)}"
    if not failed:
        return f"{where}: {str(error).splitlines()[0]}"
    trace = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(failed[0].traceback))
    line = re.search(r"^-+> *(\d+ .*)$", trace, re.MULTILINE)
    shown = f"\n  line {line[1]}" if line else ""
    return f"{where}{shown}\n  {failed[0].ename}: {failed[0].evalue}"


def _normalise(notebook: Any) -> None:
    """Leave in the notebook only what is the same on every run."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _merged(cell.outputs)


def _merged(outputs: list[Any]) -> list[Any]:
    """The outputs without widget views, whose ids are random, and with pieces of text joined."""
    merged: list[Any] = []
    for output in outputs:
        if output.get("data"):
            output.data.pop(WIDGET_VIEW, None)
        if output.output_type == "stream" and merged and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    return merged


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

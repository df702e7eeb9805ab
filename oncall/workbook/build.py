"""Execute notebooks and write them back, the same bytes every time: ``python -m oncall.workbook.build [NOTEBOOK…]``.

Without arguments it builds every notebook below ``notebooks/``. One whose cell raises is left as it was. A lesson's
first picture is written to ``pictures/`` beside it, for pages that show it.
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

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},  # the rest changes from one Python to the next
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class BuildError(Exception):
    """A notebook could not be executed; says which, where, and why in a few lines."""


def main(names: Sequence[str]) -> int:
    """Build these notebooks, or all; 1 when one fails or there is none."""
    paths = [Path(name) for name in names] or notebooks(Path("notebooks"))
    if not paths:
        print(
            "no notebook below notebooks/; run this in the project's folder, or name one",
            file=sys.stderr,
        )
        return 1
    for path in paths:
        try:
            changed = build(path)
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{path}: {'written' if changed else 'unchanged'}")
        if path.parent.name != "solutions" and (png := first_picture(path)):
            (path.parent / "pictures").mkdir(exist_ok=True)
            (path.parent / "pictures" / f"{path.stem}.png").write_bytes(png)
    return 0


def first_picture(path: Path) -> bytes | None:
    """The first picture that a stored notebook shows, as a PNG file; ``None`` when it shows none."""
    cells = nbformat.read(path, as_version=4).cells
    data = [
        output.get("data", {})
        for cell in cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    return next((b64decode(found["image/png"]) for found in data if "image/png" in found), None)


def notebooks(folder: Path) -> list[Path]:
    """All notebooks in a folder and below, in order, Jupyter's checkpoints left out."""
    return sorted(
        path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
    )


def build(path: Path) -> bool:
    """Execute a notebook in a fresh kernel of this Python, in the notebook's folder; whether its file changed."""
    try:
        before = path.read_text(encoding="utf-8")
        notebook: Any = nbformat.reads(before, as_version=4)
    except (OSError, ValueError) as error:
        raise BuildError(f"{path}: {error}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    _execute(path, notebook)
    _normalise(notebook)
    text: str = nbformat.writes(notebook) + "\n"
    if text != before:
        path.write_text(text, encoding="utf-8", newline="\n")
    return text != before


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
    """The notebook, the cell that ran last, the line in it, and the error: not a page of traceback."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    failed = [out for cell in code for out in cell.outputs if out.output_type == "error"]
    where = (
        f"{path}, code cell {sum(cell.execution_count is not None for cell in code)} of {len(code)}"
    )
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
    """The outputs with text that arrived in pieces put together, and without widget views, whose ids are random."""
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

"""What a shift leaves in a folder: counts, journals, postmortems, regression cases and scores."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from oncall.gameday import Score, Shift
from oncall.regression import save_case, to_eval_case

_FILES = ("counts.csv", "shift.txt", "score.txt", "journal.jsonl", "postmortem.md")
_NUMBERED = ("journal-[0-9].jsonl", "postmortem-[0-9].md", "evals/regression-INC-00[0-9].json")


def write_artefacts(shift: Shift, text: str, scores: Sequence[Score], folder: Path) -> list[Path]:
    """Write the artefacts, in place of those of an earlier shift, and return their paths.

    ``text`` is the shift as printed. A second incident's files have ``-2`` in their names.
    """
    evals = folder / "evals"
    evals.mkdir(parents=True, exist_ok=True)
    for old in _artefacts(folder):
        old.unlink()
    shift.counts.write_csv(folder / "counts.csv")
    (folder / "shift.txt").write_text(text, encoding="utf-8")
    (folder / "score.txt").write_text("".join(f"{score}\n" for score in scores), encoding="utf-8")
    for number, incident in enumerate(shift.incidents, 1):
        suffix = "" if number == 1 else f"-{number}"
        incident.save(folder / f"journal{suffix}.jsonl")
        if incident.postmortem:
            (folder / f"postmortem{suffix}.md").write_text(incident.postmortem, encoding="utf-8")
        with contextlib.suppress(ValueError):  # an incident that no page can see has no replay case
            case = to_eval_case(incident)
            save_case(case, evals / f"{case.id}.json")
    return _artefacts(folder)


def _artefacts(folder: Path) -> list[Path]:
    """The files that a shift has written to a folder; other people's files in it are not ours."""
    return sorted(path for pattern in _FILES + _NUMBERED for path in folder.glob(pattern))

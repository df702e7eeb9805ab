"""What a shift leaves in a folder: counts, journals, postmortems, regression cases and scores.

A manifest says what was written, so that nothing but that is ever replaced.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path, PurePosixPath

from oncall.files import locked, read_bytes, read_json, regular_file, sync_folder, write_text
from oncall.gameday import Score, Shift
from oncall.regression import save_case, to_eval_case

MANIFEST = "manifest.json"
_KIND = "the files of oncall shift"
_Digests = dict[str, list[str]]  # of each file by name; two while it is being replaced


def write_artefacts(shift: Shift, text: str, score: Score, folder: Path) -> list[Path]:
    """Write the artefacts, in place of those of an earlier shift, and return their paths.

    ``text`` is the shift as printed. A second incident's files have ``-2`` in their names. A file
    of one of these names that the folder's manifest does not list as it stands is somebody's own: a
    ``ValueError`` names it, and nothing is changed. So if a disk fails, each file is the old one or
    the new one, and the manifest lists both.
    """
    import tempfile

    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / MANIFEST
    with (
        locked(folder / "shift"),
        tempfile.TemporaryDirectory(prefix=".oncall-", dir=folder) as made,
    ):
        aside = Path(made)
        _write(shift, text, score, aside)
        new = {name: [_digest(aside / name)] for name in _names_in(aside)}
        old = _listed(manifest)
        ours = {name for name in old if _digest(folder / name) in old[name]}
        for name, digests in new.items():
            if name not in ours and _digest(folder / name) not in ("", *digests):
                why = "is not what a shift wrote there, and would be replaced"
                raise ValueError(f"{folder / name} {why}; move it, or give another folder")
        _save(manifest, {name: old.get(name, []) + new.get(name, []) for name in {*ours, *new}})
        for name in new:
            (folder / name).parent.mkdir(exist_ok=True)
            (aside / name).replace(folder / name)
            sync_folder((folder / name).parent)
        for name in ours - set(new):
            (folder / name).unlink()
        _save(manifest, new)
    return [folder / name for name in new]


def _write(shift: Shift, text: str, score: Score, folder: Path) -> None:
    shift.counts.write_csv(folder / "counts.csv")
    write_text(folder / "shift.txt", text)
    write_text(folder / "score.txt", f"{score}\n")
    for number, incident in enumerate(shift.incidents, 1):
        suffix = "" if number == 1 else f"-{number}"
        incident.save(folder / f"journal{suffix}.jsonl")
        if incident.postmortem:
            write_text(folder / f"postmortem{suffix}.md", incident.postmortem)
        with contextlib.suppress(ValueError):  # an incident that no page can see has no replay case
            case = to_eval_case(incident)
            save_case(case, folder / "evals" / f"{case.id}.json")


def _names_in(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


# --- the manifest --------------------------------------------------------------------------------


def _digest(path: Path) -> str:
    """The SHA-256 of a file, and nothing if there is none."""
    import hashlib

    if not path.exists():
        return ""
    return hashlib.sha256(read_bytes(regular_file(path))).hexdigest()


def _listed(manifest: Path) -> _Digests:
    """The files that the manifest lists; a file of its name that is none is a ``ValueError``."""
    if not manifest.exists():
        return {}
    with contextlib.suppress(ValueError):
        record = read_json(manifest)
        if isinstance(record, dict) and record.get("manifest") == _KIND:
            files = record.get("files")
            if isinstance(files, dict) and all(map(_is_entry, files, files.values())):
                return files
    raise ValueError(f"{manifest} is not the manifest of a shift; move it, or give another folder")


def _is_entry(name: str, digests: object) -> bool:
    path = PurePosixPath(name)
    return isinstance(digests, list) and not path.is_absolute() and ".." not in path.parts


def _save(manifest: Path, files: _Digests) -> None:
    record = {"manifest": _KIND, "files": dict(sorted(files.items()))}
    write_text(manifest, json.dumps(record, indent=2) + "\n")

"""Write assistant_30d.csv and assistant_30d_incidents.csv here: the same bytes every time."""

import csv
from pathlib import Path

from oncall.gameday.bundled import bundled_scenario
from oncall.times import moment_text

MONTH = bundled_scenario("assistant_30d")

SEED = 30
COLUMNS = ("id", "title", "symptom", "start", "end", "error_ratio")


def generate(folder: Path) -> None:
    """The month's counts by the minute, and the truth about its incidents."""
    MONTH.counts(SEED).write_csv(folder / "assistant_30d.csv")
    with open(folder / "assistant_30d_incidents.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for number, label in enumerate(MONTH.labels(), 1):
            moments = moment_text(label.start), moment_text(label.end or MONTH.start + MONTH.length)
            rows.writerow(
                (f"M{number:02}", label.title, label.symptom, *moments, label.error_ratio)
            )


if __name__ == "__main__":
    generate(Path(__file__).parent)

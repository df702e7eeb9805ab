"""Raw request logs: ours beside the same query typed into duckdb, polars and pandas.

``python tests/benchmarks/bench_logs.py [--rows 20000000] [--rounds 5]`` prints a Markdown table,
for a Parquet file of that many rows and for smaller ones, all ways in turns on the same files; and
the peak memory of a process that only counts, on all rows and on a tenth of them. Ours and the
query by hand each open a connection and end in the same ``Counts``. It exits with 1 if a limit is
not held. A way that is not installed has a row that says so.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from array import array
from datetime import UTC
from pathlib import Path

import duckdb
import numpy as np
from in_turns import HEAD, Limit, Way, argument_parser, print_rows

from oncall.counts import Counts
from oncall.telemetry.logs import count_requests
from oncall.times import MINUTE

GOOD = "status < 500 AND latency_ms <= 1900"
VALID = "status NOT BETWEEN 400 AND 499"
BY_HAND = """
SELECT date_trunc('minute', timestamp) AS minute,
       SUM(CASE WHEN status NOT BETWEEN 400 AND 499
                 AND status < 500 AND latency_ms <= 1900 THEN 1 ELSE 0 END) AS good,
       SUM(CASE WHEN status NOT BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS total
FROM '{path}' GROUP BY 1 ORDER BY 1
"""
WRITE = """
COPY (
    SELECT TIMESTAMPTZ '2025-03-01 00:00Z' + to_microseconds((i * {gap})::BIGINT) AS timestamp,
           CASE WHEN hash(i) % 500 = 0 THEN 500
                WHEN hash(i) % 100 = 1 THEN 404 ELSE 200 END AS status,
           CASE WHEN hash(i + 7) % 500 > 0
                THEN (hash(i + 3) % 2000)::INTEGER END AS latency_ms
    FROM range({rows}) requests(i)
) TO '{path}'"""


def write_log(path: Path, rows: int) -> Path:
    """Thirty days of requests: 1 % are 404, 0.2 % are 500; one latency in 500 is unknown."""
    duckdb.execute(WRITE.format(gap=30 * 86400e6 / rows, rows=rows, path=path))
    return path


def ours(path: Path) -> Counts:
    return count_requests(path, good=GOOD, valid=VALID)


def by_hand(path: Path) -> Counts:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        columns = connection.execute(BY_HAND.format(path=path)).fetchnumpy()
    minutes = columns["minute"].astype("datetime64[m]").astype(np.int64)
    good, total = np.zeros((2, minutes[-1] - minutes[0] + 1), np.int64)
    good[minutes - minutes[0]], total[minutes - minutes[0]] = columns["good"], columns["total"]
    start = columns["minute"][0].astype("datetime64[s]").item().replace(tzinfo=UTC)
    return Counts(start, MINUTE, array("q", good.tobytes()), array("q", total.tobytes()))


def polars(path: Path) -> object:
    import polars as pl

    valid = ~pl.col("status").is_between(400, 499)
    good = valid & (pl.col("status") < 500) & (pl.col("latency_ms") <= 1900)
    minutes = pl.scan_parquet(path).group_by(pl.col("timestamp").dt.truncate("1m"))
    sums = minutes.agg(good.sum().alias("good"), valid.sum().alias("total"))
    return sums.collect(engine="streaming")


def pandas(path: Path) -> object:
    import pandas as pd

    log = pd.read_parquet(path)
    valid = ~log["status"].between(400, 499)
    good = valid & (log["status"] < 500) & (log["latency_ms"] <= 1900)
    counted = pd.DataFrame({"good": good, "total": valid})
    return counted.groupby(log["timestamp"].dt.floor("min")).sum()


def print_log(path: Path, rows: int, rounds: int, with_others: bool = False) -> bool:
    assert ours(path) == by_hand(path)
    ways = [
        Way("the query typed into duckdb", lambda: by_hand(path), traced=False),
        Way("ours", lambda: ours(path), Limit(at_most=1.1), traced=False),
    ]
    missing = []
    others = (("polars, streaming", polars, ("polars",)), ("pandas", pandas, ("pandas", "pyarrow")))
    for name, way, needs in others if with_others else ():
        if all(importlib.util.find_spec(module) for module in needs):
            ways.append(Way(name, lambda way=way: way(path), once=True, traced=False))  # type: ignore[misc]
        else:
            missing.append(name)
    title = f"{rows:,} requests, {path.suffix[1:]}"
    held = print_rows(title, ways, rounds)
    for name in missing:
        print(f"| {title} | {name} | not installed | | | |")
    return held


def peak_megabytes(path: Path) -> float:
    """The peak memory of a process that counts this log and does nothing else (Linux)."""
    code = f"""
from oncall.telemetry.logs import count_requests
count_requests({str(path)!r}, good={GOOD!r}, valid={VALID!r})
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    # Before the number stands duckdb's progress bar: it takes ``-c`` for a prompt.
    return int(done.stdout.split()[-1]) / 1024


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, held = Path(name), []
        print(HEAD)
        small, middle = options.rows // 100, options.rows // 10
        for rows, ending in ((small, "parquet"), (small, "csv"), (middle, "csv")):
            log = write_log(folder / f"{rows}.{ending}", rows)
            rounds = 3 * options.rounds if rows < 1_000_000 else options.rounds
            held.append(print_log(log, rows, rounds))
        log = write_log(folder / "log.parquet", options.rows)
        held.append(print_log(log, options.rows, options.rounds, with_others=True))
        tenth = write_log(folder / "tenth.parquet", options.rows // 10)
        on_all, on_a_tenth = peak_megabytes(log), peak_megabytes(tenth)
        print(f"\nPeak memory of a process on {options.rows:,} rows: {on_all:.0f} MB; ", end="")
        print(f"on a tenth of them: {on_a_tenth:.0f} MB.")
    raise SystemExit(not all(held))


if __name__ == "__main__":
    main()

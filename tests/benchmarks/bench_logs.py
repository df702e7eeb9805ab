"""Raw request logs: ours beside the same query typed into duckdb, polars and pandas, in turns on the same Parquet file.

``python tests/benchmarks/bench_logs.py [--rows 2000000] [--rounds 5]`` prints a Markdown table of medians, and the
peak memory of a process that only counts: on all rows, and on a tenth of them. ``--rows 20000000`` is the size that
the README quotes. What is not installed is left out and said.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import duckdb

from oncall.counts import Counts
from oncall.telemetry.logs import count_requests

GOOD = "status < 500 AND latency_ms <= 1900"
VALID = "status NOT BETWEEN 400 AND 499"
BY_HAND = """
SELECT date_trunc('minute', timestamp) AS minute,
       SUM(CASE WHEN status NOT BETWEEN 400 AND 499 AND status < 500 AND latency_ms <= 1900 THEN 1 ELSE 0 END) AS good,
       SUM(CASE WHEN status NOT BETWEEN 400 AND 499 THEN 1 ELSE 0 END) AS total
FROM '{path}' GROUP BY 1
"""


def write_log(path: Path, rows: int) -> None:
    """Thirty days of requests: 1 % of 404, 0.2 % of 500, latencies to 2 s of which one in 500 is unknown."""
    duckdb.execute(f"""
        COPY (
            SELECT TIMESTAMPTZ '2025-03-01 00:00Z' + to_microseconds((i * {30 * 86400e6 / rows})::BIGINT) AS timestamp,
                   CASE WHEN hash(i) % 500 = 0 THEN 500 WHEN hash(i) % 100 = 1 THEN 404 ELSE 200 END AS status,
                   CASE WHEN hash(i + 7) % 500 > 0 THEN (hash(i + 3) % 2000)::INTEGER END AS latency_ms
            FROM range({rows}) requests(i)
        ) TO '{path}' (FORMAT parquet)""")


def ours(path: Path) -> Counts:
    return count_requests(path, good=GOOD, valid=VALID)


def by_hand(path: Path) -> object:
    with duckdb.connect() as connection:
        return connection.execute(BY_HAND.format(path=path)).fetchnumpy()


def polars(path: Path) -> object:
    import polars as pl

    valid = ~pl.col("status").is_between(400, 499)
    good = valid & (pl.col("status") < 500) & (pl.col("latency_ms") <= 1900)
    minutes = pl.scan_parquet(path).group_by(pl.col("timestamp").dt.truncate("1m"))
    return minutes.agg(good.sum().alias("good"), valid.sum().alias("total")).collect(engine="streaming")


def pandas(path: Path) -> object:
    import pandas as pd

    log = pd.read_parquet(path)
    valid = ~log["status"].between(400, 499)
    good = valid & (log["status"] < 500) & (log["latency_ms"] <= 1900)
    sums = pd.DataFrame({"good": good, "total": valid}).groupby(log["timestamp"].dt.floor("min")).sum()
    return sums


def seconds(function: Callable[[Path], object], path: Path) -> float:
    begin = time.perf_counter()
    function(path)
    return time.perf_counter() - begin


def peak_megabytes(path: Path) -> float:
    """The peak memory of a process that counts this log and does nothing else (Linux)."""
    code = f"""
from oncall.telemetry.logs import count_requests
count_requests({str(path)!r}, good={GOOD!r}, valid={VALID!r})
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 1024  # a prompt, as -c is to duckdb, gets its progress bar before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ways: dict[str, Callable[[Path], object]] = {"ours": ours, "the query typed into duckdb": by_hand}
    for needs, name, way in ((("polars",), "polars, streaming", polars), (("pandas", "pyarrow"), "pandas", pandas)):
        if all(importlib.util.find_spec(module) for module in needs):
            ways[name] = way
        else:
            print(f"{name} is left out; pip install {' '.join(needs)}")
    with tempfile.TemporaryDirectory() as folder:
        log, tenth = Path(folder, "log.parquet"), Path(folder, "tenth.parquet")
        write_log(log, options.rows)
        write_log(tenth, options.rows // 10)
        rounds = [[seconds(way, log) for way in ways.values()] for _ in range(options.rounds)]
        times = [median(column) for column in zip(*rounds, strict=True)]
        print(f"\n{options.rows:,} requests, medians of {options.rounds} rounds in turns\n")
        print("| | seconds | beside duckdb by hand |\n|---|--:|--:|")
        for name, spent in zip(ways, times, strict=True):
            print(f"| {name} | {spent:.3f} | {spent / times[1]:.2f}× |")
        print(
            f"\nPeak memory of a process: {peak_megabytes(log):.0f} MB; "
            f"on a tenth of the rows {peak_megabytes(tenth):.0f} MB."
        )


if __name__ == "__main__":
    main()

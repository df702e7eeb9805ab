"""The one SQL text on a local Spark gives the counts that duckdb gives, to the request.

Needs ``pip install pyspark`` and Java 17, and duckdb to compare with.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oncall.telemetry.logs import count_requests
from oncall.times import moment_text

try:
    import duckdb  # noqa: F401
    from pyspark.sql import SparkSession
except ImportError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(f"{error.name} is missing; pip install pyspark duckdb", allow_module_level=True)

START = datetime(2025, 3, 1, tzinfo=UTC)
GOOD = "status < 500 AND latency_ms <= 300"
VALID = "status NOT BETWEEN 400 AND 499"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hours of requests: unknown latencies and statuses, gaps, fractions of a second."""
    draw = random.Random(4)
    lines = ["timestamp,status,latency_ms"]
    for _ in range(5000):
        hours, milliseconds = draw.choice([0, 2, 3, 5]), draw.randrange(3_600_000)
        moment = START + timedelta(hours=hours, milliseconds=milliseconds)
        status = draw.choice(["200"] * 8 + ["404", "500", ""])
        latency = draw.choice(["", *map(str, range(0, 600, 7))])
        lines.append(f"{moment_text(moment)},{status},{latency}")
    path = tmp_path_factory.mktemp("logs") / "requests.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def spark(log: Path) -> Iterator[Any]:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        missing = "Java is missing; apt-get install openjdk-17-jre-headless"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    settings: dict[str, Any] = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(log.parent),
    }
    builder = SparkSession.builder.master("local[2]").appName("oncall")
    session = builder.config(map=settings).getOrCreate()
    session.read.csv(str(log), header=True, inferSchema=True).createOrReplaceTempView("requests")
    yield session
    session.stop()


@pytest.mark.parametrize("every", ["second", "minute", "hour", "day", timedelta(minutes=5)])
@pytest.mark.parametrize("valid", [None, VALID, "latency_ms > 10"])
def test_the_same_text_gives_the_same_counts(
    spark: Any, log: Path, every: str | timedelta, valid: str | None
) -> None:
    conditions: dict[str, Any] = {"good": GOOD, "valid": valid, "every": every}
    counts = count_requests("requests", connection=spark, **conditions)
    assert counts == count_requests(log, **conditions)
    assert 0 < sum(counts.good) < sum(counts.total)


def test_the_machines_own_time_zone_changes_nothing(
    spark: Any, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    try:
        counts = count_requests("requests", good=GOOD, connection=spark)
        assert counts == count_requests(log, good=GOOD)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_column_that_is_not_there_lists_the_columns(spark: Any) -> None:
    with pytest.raises(ValueError, match="the columns are timestamp, status, latency_ms"):
        count_requests("requests", good="latency < 300", connection=spark)


def test_a_table_that_is_not_there_is_an_error(spark: Any) -> None:
    with pytest.raises(ValueError, match="cannot read nowhere"):
        count_requests("nowhere", good=GOOD, connection=spark)


def test_a_session_in_another_time_zone_is_refused(spark: Any) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Kolkata")
    try:
        with pytest.raises(ValueError, match=r"spark\.sql\.session\.timeZone"):
            count_requests("requests", good=GOOD, connection=spark)
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")

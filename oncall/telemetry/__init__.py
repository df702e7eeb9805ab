"""Telemetry at scale: long series, raw request logs, backtests. On numpy, with pandas or duckdb where a module asks."""

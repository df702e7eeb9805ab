"""Telemetry at scale, on numpy; a module that needs pandas or duckdb imports it only when asked.

- ``engine``: alert history, burn rates and plots of long series
- ``logs``: raw request logs counted into ``Counts``
- ``backtest``: alert policies judged on a past with known incidents, and what they cannot see
- ``simulate``: alert policies judged on many synthetic months
"""

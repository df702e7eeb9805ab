"""The types of the telemetry's arrays, and a division that rounds up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[Any]  # of any integer type, or Python's own in an object array
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

Amount = TypeVar("Amount", int, timedelta)


def ceil_div(amount: Amount, unit: Amount) -> int:
    """How many units cover an amount: the quotient, rounded up."""
    return -(-amount // unit)

"""The types of the telemetry's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[Any]  # of any integer type, or Python's own in an object array
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

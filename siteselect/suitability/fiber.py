"""How long light takes in fiber: the figures that every latency rests on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FIBER_CIRCUITY", "FIBER_SOURCES", "FIBER_US_PER_KM", "LIGHT_US_PER_KM"]

#: Light in vacuum [µs per km]: 1 / 299,792.458 km/s, exact by definition of the meter.
LIGHT_US_PER_KM = 1e6 / 299_792.458
#: Light in fiber [µs per km], one way: group index 1.468 over the speed in vacuum.
FIBER_US_PER_KM = 4.9
#: Length of a fiber route over the great circle [ratio]: 1.3 to 1.5 is usual.
FIBER_CIRCUITY = 1.5
#: Where each figure comes from.
FIBER_SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "us_per_km": (
            "Corning, SMF-28 Ultra optical fiber, product information: effective "
            "group index of refraction 1.4676 at 1310 nm, 1.4682 at 1550 nm"
        ),
        "circuity": "judgement",
        "equipment_ms": "judgement",
    }
)

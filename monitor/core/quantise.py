"""Fixed-point codes of what a look keeps, so that memory and disk hold the same numbers.

The pipeline quantises a look once, computes everything from the quantised arrays, and stores the
codes: statistics from memory and statistics from disk are then equal to the last bit.

Codes are uint16. Probability and spread: code = value * 50000 (steps of 0.00002). Reflectance:
code = value * 10000 + 1000, range -0.1 to 6.4534, clipped. Backscatter (gamma0, linear power):
code = (10 log10(power) + 100) * 100, steps of 0.01 dB, a twentieth of what speckle leaves of a
mean of 400 looks. NaN is 65535.
"""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitor.records import Look, Sensor

NONE_CODE = 65535
PROBABILITY_SCALE = 50000.0
REFLECTANCE_SCALE = 10000.0
REFLECTANCE_SHIFT = 1000.0
DECIBEL_SCALE = 100.0
DECIBEL_SHIFT = 10_000.0
_LARGEST_DECIBEL_CODE = 15_000
"""50 dB: far above what any target on the ground sends back."""


def encode_probability(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Values 0-1 (NaN = none) to codes 0-50000 (65535 = none)."""
    return _encode(values, PROBABILITY_SCALE, 0.0, int(PROBABILITY_SCALE))


def decode_probability(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Inverse of `encode_probability`."""
    return _decode(codes, PROBABILITY_SCALE, 0.0)


def encode_reflectance(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Reflectance (NaN = nodata) to codes 0-65534 (65535 = nodata), clipped to what fits."""
    return _encode(values, REFLECTANCE_SCALE, REFLECTANCE_SHIFT, NONE_CODE - 1)


def decode_reflectance(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Inverse of `encode_reflectance`."""
    return _decode(codes, REFLECTANCE_SCALE, REFLECTANCE_SHIFT)


def encode_power(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Backscatter in linear power (NaN or not positive = nodata) to codes 0-15000 (65535 = nodata)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        decibel = np.where(values > 0, 10.0 * np.log10(values), np.nan).astype(np.float32)
    return _encode(decibel, DECIBEL_SCALE, DECIBEL_SHIFT, _LARGEST_DECIBEL_CODE)


def decode_power(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Inverse of `encode_power`: linear power."""
    return _power_of_code()[codes]


@cache
def _power_of_code() -> NDArray[np.float32]:
    """(65536,) A look-up is ten times faster than as many powers of ten."""
    decibel = _decode(np.arange(_LARGEST_DECIBEL_CODE + 1, dtype=np.uint16), DECIBEL_SCALE, DECIBEL_SHIFT)
    table = np.full(NONE_CODE + 1, np.nan, dtype=np.float32)
    table[: len(decibel)] = 10.0 ** (decibel.astype(np.float64) / 10.0)
    return table


def encode_pixels(values: NDArray[np.float32], sensor: Sensor) -> NDArray[np.uint16]:
    """What a look keeps of its bands, as codes."""
    return encode_reflectance(values) if sensor is Sensor.OPTICAL else encode_power(values)


def decode_pixels(codes: NDArray[np.uint16], sensor: Sensor) -> NDArray[np.float32]:
    """Inverse of `encode_pixels`."""
    return decode_reflectance(codes) if sensor is Sensor.OPTICAL else decode_power(codes)


def quantise(look: Look) -> Look:
    """The look as it comes back from disk; quantising twice changes nothing."""
    return replace(
        look,
        probability=decode_probability(encode_probability(look.probability)),
        spread=decode_probability(encode_probability(look.spread)),
        pixels=decode_pixels(encode_pixels(look.pixels, look.sensor), look.sensor),
        state=look.state.astype(np.uint8),
    )


def _encode(values: NDArray[np.float32], scale: float, shift: float, largest: int) -> NDArray[np.uint16]:
    scaled = np.rint(values * np.float32(scale) + np.float32(shift))
    clipped = np.clip(scaled, 0, largest)
    return np.where(np.isnan(clipped), np.float32(NONE_CODE), clipped).astype(np.uint16)


def _decode(codes: NDArray[np.uint16], scale: float, shift: float) -> NDArray[np.float32]:
    values = (codes.astype(np.float32) - np.float32(shift)) / np.float32(scale)
    values[codes == NONE_CODE] = np.nan
    return values

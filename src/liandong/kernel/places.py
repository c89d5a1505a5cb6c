"""Places: one datum inside (WGS 84), others converted at the edge.

Maps sold in China show GCJ-02, an offset of WGS 84 by some hundred metres.  The formulas are the
public reverse-engineered ones (as in `eviltransform`), not a published standard: confidence medium.
"""

from math import cos, isfinite, pi, sin, sqrt
from typing import Final

DATUMS: Final = ("wgs84", "gcj02")
DIGITS: Final = 5  # decimals that are kept: about one metre
COARSE: Final = 3  # decimals that the public is told: some 100 m
MOST_CELLS: Final = 500  # of a map: more marks cannot be told apart
_AXIS: Final = 6378245.0  # metres, Krasovsky 1940
_FLATNESS: Final = 0.00669342162296594323  # first eccentricity squared
_ROUNDS: Final = 30
_CLOSE: Final = 1e-11  # degrees


def is_in_china(lat: float, lon: float) -> bool:
    """Whether the offset is applied here: the customary box, wider than the borders."""
    return 0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347


def to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    """(lat, lon) of WGS 84 in GCJ-02, in degrees; unchanged outside of China."""
    if not is_in_china(lat, lon):
        return lat, lon
    d_lat, d_lon = _offset(lat, lon)
    return lat + d_lat, lon + d_lon


def to_wgs84(lat: float, lon: float) -> tuple[float, float]:
    """(lat, lon) of GCJ-02 in WGS 84, in degrees; unchanged outside of China.

    The inverse of `to_gcj02`, found by iteration: back and forth differs by less than 1e-6°.
    """
    if not is_in_china(lat, lon):
        return lat, lon
    at_lat, at_lon = lat, lon
    for _round in range(_ROUNDS):
        d_lat, d_lon = _offset(at_lat, at_lon)
        miss = max(abs(lat - d_lat - at_lat), abs(lon - d_lon - at_lon))
        at_lat, at_lon = lat - d_lat, lon - d_lon
        if miss < _CLOSE:
            break
    return at_lat, at_lon


def read_place(lat: str, lon: str, datum: str) -> tuple[float, float] | None:
    """A place as it was sent, in WGS 84 to five decimals; None where both are empty.

    Raises ValueError for half a place, for what is no number or not on the earth, and for an
    unknown datum.
    """
    if not lat.strip() and not lon.strip():
        return None
    if datum not in DATUMS:
        raise ValueError(datum)
    at = float(lat), float(lon)
    if not all(isfinite(one) for one in at) or abs(at[0]) > 90 or abs(at[1]) > 180:
        raise ValueError(f"{lat} {lon}")
    plain = to_wgs84(*at) if datum == "gcj02" else at
    return round(plain[0], DIGITS), round(plain[1], DIGITS)


def _offset(lat: float, lon: float) -> tuple[float, float]:
    x, y = lon - 105.0, lat - 35.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    d_lat += _short_waves(x) + _long_waves(y)
    d_lat += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    d_lon += _short_waves(x) + _long_waves(x)
    d_lon += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    angle = lat / 180.0 * pi
    magic = 1 - _FLATNESS * sin(angle) ** 2
    root = sqrt(magic)
    d_lat = d_lat * 180.0 / ((_AXIS * (1 - _FLATNESS)) / (magic * root) * pi)
    d_lon = d_lon * 180.0 / (_AXIS / root * cos(angle) * pi)
    return d_lat, d_lon


def _short_waves(x: float) -> float:
    return (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0


def _long_waves(value: float) -> float:
    return (20.0 * sin(value * pi) + 40.0 * sin(value / 3.0 * pi)) * 2.0 / 3.0


def cell_side(height: float, width: float) -> float:
    """The side in degrees of the square cells that a view of this size is counted by.

    A power of two, so that cells stay where they are when the view moves; the least of which no
    more than MOST_CELLS cover the view.
    """
    power = -14  # 7 metres
    while (height / 2.0**power + 2) * (width / 2.0**power + 2) > MOST_CELLS:
        power += 1
    return 2.0**power

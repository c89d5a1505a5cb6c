"""Places come in by the datum of the sender's map and are kept in WGS 84."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.places import is_in_china, read_place, to_gcj02, to_wgs84


def test_a_known_point_moves_as_published() -> None:
    # Of the tests of `eviltransform`: WGS 84 31.1774276, 121.5272106 is GCJ-02 here.
    lat, lon = to_gcj02(31.1774276, 121.5272106)
    assert (lat, lon) == pytest.approx((31.17530398364597, 121.531541859215), abs=1e-9)


@given(st.floats(18, 53), st.floats(74, 134))
def test_back_and_forth_differs_by_less_than_a_millionth(lat: float, lon: float) -> None:
    there = to_gcj02(lat, lon)
    assert there != (lat, lon)
    assert to_wgs84(*there) == pytest.approx((lat, lon), abs=1e-6)
    assert to_gcj02(*to_wgs84(lat, lon)) == pytest.approx((lat, lon), abs=1e-6)


@pytest.mark.parametrize(("lat", "lon"), [(42.36, -71.06), (52.5, 13.4), (-33.9, 151.2)])
def test_outside_of_china_nothing_moves(lat: float, lon: float) -> None:
    assert not is_in_china(lat, lon)
    assert to_gcj02(lat, lon) == (lat, lon) == to_wgs84(lat, lon)


def test_a_place_is_read_to_five_decimals() -> None:
    assert read_place("37.123456789", " 118.000004", "wgs84") == (37.12346, 118.0)
    assert read_place("", " ", "nothing") is None
    moved = read_place("37.38", "118.02", "gcj02")
    assert moved is not None
    assert 0 < abs(moved[0] - 37.38) < 0.01


@pytest.mark.parametrize(
    ("lat", "lon", "datum"),
    [("37", "", "wgs84"), ("x", "118", "wgs84"), ("nan", "118", "wgs84"), ("91", "0", "wgs84"),
     ("0", "181", "wgs84"), ("37", "118", "bd09")],
)  # fmt: skip
def test_what_is_no_place_is_refused(lat: str, lon: str, datum: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_place(lat, lon, datum)

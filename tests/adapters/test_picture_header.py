"""What the head of a picture says."""

from dataclasses import replace

import numpy as np
import pytest
from shapely import union_all
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, box

from monitor.adapters.picture import alert_picture
from monitor.records import AlertStatus, EventState
from tests.adapters.test_picture import make_chips, make_event, pixels


def test_an_event_of_many_places_says_so() -> None:
    """The header of two separate slides reads otherwise than that of one of the same hectares."""
    whole = make_event()
    west, south, east, north = whole.geometry.bounds
    third = (east - west) / 3
    parts = MultiPolygon([box(west, south, west + third, north), box(east - third, south, east, north)])
    headers = [
        pixels(alert_picture(event, make_chips(event), region=None, threshold=0.5))[:60]
        for event in (whole, replace(whole, geometry=whole.geometry.buffer(0)), replace(whole, geometry=parts))
    ]
    np.testing.assert_array_equal(headers[0], headers[1])
    assert (headers[0] != headers[2]).any()


@pytest.mark.parametrize("state", [EventState.PROVISIONAL, EventState.CLOSED, EventState.REFUTED])
def test_ground_that_changed_alike_is_headed_as_what_it_may_be(state: EventState) -> None:
    """Snow is in the header until it is known to be no landslide, and the badge beside it stays within the picture."""
    plain = replace(make_event(), state=state, status=AlertStatus.TEST, area_ha=1036.4)
    parts = union_all([translate(plain.geometry, n / 10) for n in range(25)])
    event = replace(plain, geometry=parts)
    chips = make_chips(plain)
    header, alike = (
        pixels(alert_picture(one, chips))[:60].astype(int) for one in (event, replace(event, alike_from_m=700.0))
    )
    assert (header != alike).any() is np.bool_(state is not EventState.REFUTED)
    assert (np.abs(alike[10:50, -24:] - alike[10, -1]) < 8).all()

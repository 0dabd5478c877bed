"""Ground that people draw in a region: what is refused, and what is told instead."""

from collections.abc import Callable

import pytest
from shapely import union
from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from monitor.config.areas import drawn_area, drawn_box
from monitor.errors import Refused

REFUSED: dict[str, tuple[Callable[[], BaseGeometry], str, str]] = {
    "larger than any region": (lambda: drawn_box(141, 41, 144, 44), "area-too-large", "all of the region"),
    "a box across 180°": (lambda: drawn_box(179.9, 42, -179.9, 42.1), "crosses-180", "MultiPolygon"),
    "an outline beyond 180°": (lambda: drawn_area(box(179.9, 42, 180.1, 42.1)), "crosses-180", "MultiPolygon"),
    "an outline beyond -180°": (lambda: drawn_area(box(-180.1, 42, -179.9, 42.1)), "crosses-180", "MultiPolygon"),
    "an outline the wrong way round": (lambda: drawn_area(box(-179.9, 42, 179.9, 42.1)), "crosses-180", "MultiPolygon"),
}


@pytest.mark.parametrize(("draw", "reason", "remedy"), REFUSED.values(), ids=REFUSED)
def test_refused_with_what_to_do(draw: Callable[[], BaseGeometry], reason: str, remedy: str) -> None:
    """In words of an area, not of a region in the configuration."""
    with pytest.raises(Refused) as refused:
        draw()
    assert refused.value.reason == reason
    assert remedy in refused.value.remedy
    assert "region is too large" not in str(refused.value)


def test_cut_at_180_it_is_taken() -> None:
    """As the remedy says."""
    either_side = union(box(179.9, 42, 180, 42.1), box(-180, 42, -179.9, 42.1))
    assert drawn_area(dict(mapping(either_side))).equals(either_side)
    assert drawn_box(141.9, 42.7, 142.0, 42.8).equals(box(141.9, 42.7, 142.0, 42.8))


@pytest.mark.parametrize("box_of", [(142, 42, 141, 43), (500, 42, 501, 43), (141, 42, 141.1, 42)])
def test_no_area_is_a_mistake(box_of: tuple[float, float, float, float]) -> None:
    """Not a refusal: it is told beside the option."""
    with pytest.raises(ValueError, match=r"west|degrees|south"):
        drawn_box(*box_of)

"""Links are signed just before they are read."""

from datetime import UTC, datetime

import pytest
from shapely import box

from monitor.adapters.signing import Signers
from monitor.errors import AssetUnavailable
from monitor.records import SceneItem, Sensor


def _item(catalog: str) -> SceneItem:
    return SceneItem(
        catalog=catalog,
        collection="c",
        id="scene",
        sensing_time=datetime(2024, 1, 1, tzinfo=UTC),
        geometry=box(0, 0, 1, 1),
        sensor=Sensor.OPTICAL,
        platform="s",
    )


def test_only_links_of_the_named_catalog_are_signed() -> None:
    """Other catalogs' links stay as they are."""
    signed = Signers({"closed": lambda href: href + "?token"})
    assert signed(_item("closed"), "https://a/b.tif") == "https://a/b.tif?token"
    assert signed(_item("open"), "https://a/b.tif") == "https://a/b.tif"


def test_a_silent_token_service_is_a_passing_fault() -> None:
    """The acquisition is tried again, and the message names item and link."""

    def fail(_href: str) -> str:
        raise ConnectionError("no route")

    with pytest.raises(AssetUnavailable, match=r"scene.*b\.tif") as caught:
        Signers({"closed": fail})(_item("closed"), "https://a/b.tif")
    assert caught.value.reason == "token-unavailable"

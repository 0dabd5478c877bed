"""Signed links: some object stores want a short-lived token on every link (SAS tokens last about 45 minutes).

A link is signed just before it is read and never stored.
"""

from collections.abc import Callable, Mapping

import planetary_computer

from monitor.errors import AssetUnavailable
from monitor.records import SceneItem

Sign = Callable[[str], str]


class Signers:
    """How the links of each catalog are signed; links of other catalogs stay as they are."""

    def __init__(self, by_catalog: Mapping[str, Sign]) -> None:
        """`by_catalog` maps catalog names of the configuration to a function from link to signed link."""
        self._by_catalog = by_catalog

    def __call__(self, item: SceneItem, href: str) -> str:
        """The link to read now.

        Raises:
            AssetUnavailable: the token service does not answer.
        """
        sign = self._by_catalog.get(item.catalog)
        if sign is None:
            return href
        try:
            return sign(href)
        except Exception as err:  # whatever HTTP library the signer uses
            raise AssetUnavailable(
                f"no token for {href} ({err})",
                item=item.id,
                remedy="It is tried again by itself; if it lasts, see whether the token service of the catalog is up.",
                reason="token-unavailable",
            ) from err


def planetary_computer_sign(href: str) -> str:
    """A link of the Planetary Computer with its SAS token; the library keeps tokens until they are about to expire."""
    return str(planetary_computer.sign_url(href))

"""Where everything about an alert is found on the web. The paths are promises: docs/api.md lists them."""

from dataclasses import dataclass

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

CAP_TYPE = "application/cap+xml"
ATOM_TYPE = "application/atom+xml"
GEOJSON_TYPE = "application/geo+json"
PNG_TYPE = "image/png"
HTML_TYPE = "text/html"
PDF_TYPE = "application/pdf"


def quoted(text: str) -> str:
    """Percent-encoded (RFC 3986), so that it is one segment of a path whatever it holds; different texts differ."""
    return "".join(
        one if one in _PLAIN else "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "replace")) for one in text
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Addresses below one base."""

    base: str
    """Such as `https://watch.example.org`; without a slash at its end."""

    def page(self, event_id: str) -> str:
        """The page of an alert, for people."""
        return f"{self.base}/alerts/{quoted(event_id)}"

    def home(self) -> str:
        """The page of all open alerts, and of what was not observed."""
        return f"{self.base}/"

    def sheet(self, event_id: str) -> str:
        """The same to print, on one page."""
        return f"{self.page(event_id)}.pdf"

    def situation(self, storm: str) -> str:
        """The page of all alerts of a storm."""
        return f"{self.base}/situations/{quoted(storm)}"

    def alert(self, event_id: str) -> str:
        """An alert with its evidence, for programs."""
        return f"{self.base}/api/v1/alerts/{quoted(event_id)}"

    def cap(self, event_id: str, sequence: int) -> str:
        """The CAP message of one revision."""
        return f"{self.alert(event_id)}/cap/{sequence}.xml"

    def picture(self, event_id: str) -> str:
        """The picture of an alert."""
        return f"{self.alert(event_id)}/picture.png"

    def evidence(self, event_id: str) -> str:
        """The STAC item of an alert's evidence."""
        return f"{self.alert(event_id)}/item.json"

    def chip(self, event_id: str, name: str) -> str:
        """One of the chips that the picture is drawn from."""
        return f"{self.alert(event_id)}/chips/{quoted(name)}"

    def atom(self) -> str:
        """The index of CAP messages."""
        return f"{self.base}/feeds/atom.xml"

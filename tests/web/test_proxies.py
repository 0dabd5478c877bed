"""Who asks, when a proxy stands in between: its word counts where the configuration trusts it, and nowhere else."""

from pathlib import Path

import httpx

from monitor.web.server import _mapped
from tests.web.conftest import Site, served

ONE, OTHER = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}


def codes(site: Site, headers: dict[str, str], count: int = 3) -> list[int]:
    """What somebody without a token gets, asking again and again."""
    return [httpx.get(f"{site.base}/static/style.css", headers=headers).status_code for _ in range(count)]


def test_each_address_behind_a_trusted_proxy_has_its_own_limit(tmp_path: Path) -> None:
    """One who asks too much leaves the others what is theirs, also by adding addresses in front of their own."""
    with served(tmp_path, requests_per_s=0.01, burst=2, trusted_proxies=["127.0.0.0/8"]) as site:
        assert codes(site, ONE) == [200, 200, 429]
        assert codes(site, OTHER) == [200, 200, 429]
        for made_up in ("198.51.100.7", "127.0.0.1", "10.0.0.1, 10.0.0.2"):
            assert codes(site, {"X-Forwarded-For": f"{made_up}, 192.0.2.1"}, 1) == [429]


def test_others_are_not_believed(tmp_path: Path) -> None:
    """Who comes from elsewhere is who they are, whatever they write."""
    with served(tmp_path, requests_per_s=0.01, burst=2, trusted_proxies=["10.0.0.0/8"]) as site:
        assert codes(site, ONE) == [200, 200, 429]
        assert codes(site, OTHER, 1) == [429]
        assert codes(site, {}, 1) == [429]


def test_networks_as_a_socket_of_both_families_shows_them() -> None:
    """A proxy with an IPv4 address seems to have one of IPv6 there."""
    assert _mapped(["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]) == ["::ffff:10.0.0.0/104", "::ffff:192.0.2.7/128"]

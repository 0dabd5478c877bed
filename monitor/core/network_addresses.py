"""Which network addresses belong to everybody, and which to somebody's inside."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""IPv6 addresses that stand for an IPv4 one, which is their last 32 bits (RFC 6052, RFC 8215)."""


def inner_address(address: str) -> str | None:
    """Why an address is not one of the public Internet, or None where it is.

    Loopback, private ranges (RFC 1918), unique local (RFC 4193), link-local with the metadata service of clouds
    (169.254.169.254), shared space of carriers (RFC 6598), multicast, reserved; also where they are wrapped into
    IPv6 (mapped, NAT64, 6to4, Teredo).

    Args:
        address: IPv4 or IPv6 in text, as `getaddrinfo` gives it, perhaps with a zone (`fe80::1%eth0`).
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no address"
    return next((words for one in _meant(parsed) if (words := _inner(one)) is not None), None)


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address itself, and those that packets to it may end at."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    wrapped: list[IPv4Address | IPv6Address] = []
    if any(address in network for network in _NAT64):
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    if address.sixtofour is not None:
        wrapped.append(address.sixtofour)
    if address.teredo is not None:
        wrapped += address.teredo
    return [address, *wrapped]


def _inner(address: IPv4Address | IPv6Address) -> str | None:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if address.is_unspecified:
        return "unspecified"
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return None if address.is_global and not site_local else "private or reserved"

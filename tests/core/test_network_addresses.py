"""Which addresses belong to everybody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.network_addresses import inner_address


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private or reserved"),
        ("172.31.255.255", "private or reserved"),
        ("192.168.0.1", "private or reserved"),
        ("100.64.0.1", "private or reserved"),
        ("100.127.255.255", "private or reserved"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fd00::1", "private or reserved"),
        ("fec0::1", "private or reserved"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "private or reserved"),
        ("198.18.0.1", "private or reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::ffff:a00:1", "private or reserved"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b:1::a9fe:a9fe", "link-local"),
        ("2002:7f00:1::", "loopback"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "private or reserved"),
        ("localhost", "no address"),
        ("0x7f.1", "no address"),
        ("", "no address"),
        ("93.184.215.14", None),
        ("172.32.0.1", None),
        ("100.128.0.1", None),
        ("2606:4700::6810:84e5", None),
        ("::ffff:93.184.215.14", None),
        ("64:ff9b::5db8:d70e", None),
    ],
)
def test_address(address: str, kind: str | None) -> None:
    """Every notation of an inner address is named; addresses of the public Internet are not."""
    assert inner_address(address) == kind


@given(st.ip_addresses(v=4))
def test_wrapping_hides_nothing(address: object) -> None:
    """An IPv4 address and the same wrapped into IPv6 are judged alike."""
    plain = str(address)
    assert inner_address(f"::ffff:{plain}") == inner_address(plain)
    assert inner_address(f"64:ff9b::{plain}") == inner_address(plain)

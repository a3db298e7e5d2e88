"""Webhooks reach public addresses only."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.public_addresses import is_public, resolve

REFUSED = (
    "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",  # private
    "127.0.0.1", "127.8.8.8", "::1",  # loopback
    "169.254.169.254", "fe80::1", "fe80::1%eth0",  # link-local, and with it the metadata of clouds
    "0.0.0.0", "::", "100.64.0.1", "192.0.0.192", "198.18.0.1", "168.63.129.16",
    "192.0.2.1", "203.0.113.9", "2001:db8::1", "3fff::1",  # for examples
    "224.0.0.1", "239.1.2.3", "ff02::1", "ff0e::1",  # multicast
    "240.0.0.1", "255.255.255.255", "5f00::1",  # reserved
    "fc00::1", "fd00:ec2::254", "fec0::1",  # local
    "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1",  # IPv4 in IPv6, also a public one
    "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2001:0:7f00:1::1", "192.88.99.1",
    "localhost", "", "8.8.8", "0x7f.1", "2130706433",
)  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::6810:84e5"])
def test_what_is_public_is_allowed(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_private_address_gets_through_inside_another(address: IPv4Address) -> None:
    number = int(address)

    inside = [
        IPv6Address((0xFFFF << 32) | number),  # mapped
        IPv6Address(number),  # compatible
        IPv6Address((0x64FF9B << 96) | number),  # NAT64
        IPv6Address((0x2002 << 112) | (number << 80)),  # 6to4
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),  # Teredo
    ]

    assert not any(is_public(str(each)) for each in inside)
    assert not is_public(str(address)) or address.is_global


@given(st.ip_addresses(v=6))
def test_only_global_unicast_is_public(address: IPv6Address) -> None:
    assert not is_public(str(address)) or int(address) >> 125 == 1


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "localhost"])
def test_other_ways_to_write_an_inner_address_are_seen_through(host: str) -> None:
    found = resolve(host, 443)

    assert found and not any(is_public(address) for address in found)


def test_each_address_is_tried_once_in_the_order_of_the_resolver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answers(host: str, port: int, **rest: Any) -> list[Any]:
        stream = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, stream, 6, "", ("2606:4700::1", port, 0, 0)),
            (socket.AF_INET, stream, 6, "", ("93.184.216.34", port)),
            (socket.AF_INET, stream, 6, "", ("93.184.216.34", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answers)

    found = resolve("hooks.example.com", 443)

    assert found == ["2606:4700::1", "93.184.216.34"]
    assert all(ip_address(each) for each in found)

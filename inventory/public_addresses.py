"""Which addresses Mandate may call: public ones only, so that nobody makes it knock at doors inside."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address

Allowed = Callable[[str], bool]

_V4_REFUSED = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; some clouds keep their metadata there
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network(
        "168.63.129.16/32"
    ),  # the host of an Azure machine: a public number, seen from inside only
)
# Only what is given out as global unicast, and of that not what carries an IPv4 address inside or is for examples.
# IPv4-mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96) and everything private or local lie outside 2000::/3 altogether.
_V6_GLOBAL = IPv6Network("2000::/3")
_V6_REFUSED = (
    IPv6Network("2001::/23"),  # Teredo and other protocol assignments
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("3fff::/20"),
)


def is_public(address: str) -> bool:
    """Whether an address, such as a resolver gives it, is one of the public internet. Deny by default."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if found.version == 4:
        inside = any(found in network for network in _V4_REFUSED)
        return found.is_global and not found.is_multicast and not found.is_reserved and not inside
    return found in _V6_GLOBAL and not any(found in network for network in _V6_REFUSED)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, each once, in the order in which to try them. OSError when there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(f"{host} is not a name of a host") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))

"""Built-ins: address ranges. Nothing is looked up. Source: Open Policy Agent, "Policy Reference"; Go's net package."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any, Final

from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure
from aureus_jupyter.adapters.policies.opa.machine import Builtin, Run
from aureus_jupyter.adapters.policies.opa.operands import items_of, text_of
from aureus_jupyter.adapters.policies.opa.terms import FALSE, TRUE, Array, Object, Set, boolean, check_size

__all__ = ["NET"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text) if "%" not in text else None
    except ValueError:
        return None
    # Go holds an IPv4 address and its form within IPv6 as one.
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _network(text: str) -> Network:
    body, slash, bits = text.rpartition("/")
    if not slash or not re.fullmatch("[0-9]{1,3}", bits) or "%" in text:
        raise BuiltinFailure("invalid CIDR address")
    try:
        found = ipaddress.ip_network(f"{body}/{bits}", strict=False)
    except ValueError:
        raise BuiltinFailure("invalid CIDR address") from None
    four = found.network_address.ipv4_mapped if isinstance(found, ipaddress.IPv6Network) else None
    return found if four is None or found.prefixlen < 96 else ipaddress.ip_network(f"{four}/{found.prefixlen - 96}")


def _inside(outer: Network, inner: Any) -> bool:
    if outer.version != inner.version:
        return False
    if isinstance(inner, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return inner.subnet_of(outer)  # type: ignore[arg-type]  # the versions were compared above
    return inner in outer


def _contains(outer: str, inner: str) -> bool:
    network = _network(outer)
    address = _address(inner)
    return _inside(network, address if address is not None else _network(inner))


def _intersects(run: Run, a: Any, b: Any) -> Any:
    one, two = _network(text_of(a, 1)), _network(text_of(b, 2))
    return boolean(one.version == two.version and one.overlaps(two))


def _is_valid(run: Run, value: Any) -> Any:
    try:
        _network(text_of(value))
    except BuiltinFailure:
        return FALSE
    return TRUE


def _expand(run: Run, value: Any) -> Any:
    network = _network(text_of(value))
    check_size(network.num_addresses)
    run.charge(network.num_addresses)
    return Set(map(str, network))


def _merged_network(text: str) -> Network:
    """Return a range, or of a plain IPv4 address the network of its class, as OPA does."""
    address = _address(text)
    if address is None:
        return _network(text)
    first = address.packed[0]
    bits = 8 if first < 128 else 16 if first < 192 else 24
    if address.version == 6 or int(address) & ((1 << (32 - bits)) - 1):
        raise BuiltinFailure("an address that is no network needs its prefix length")
    return ipaddress.ip_network(f"{address}/{bits}")


def _merge(run: Run, value: Any) -> Any:
    networks = [_merged_network(text_of(item)) for item in items_of(value)]
    four = (n for n in networks if isinstance(n, ipaddress.IPv4Network))
    six = (n for n in networks if isinstance(n, ipaddress.IPv6Network))
    return Set(map(str, [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]))


def _indexed(value: Any, place: int) -> Iterator[tuple[str, Any]]:
    """Return texts with what they are known by: an index, a key, or the element itself."""
    if value.__class__ is str:
        pairs: list[tuple[Any, Any]] = [(value, value)]
    elif value.__class__ is Array:
        pairs = [(item, index) for index, item in enumerate(value)]
    elif value.__class__ is Set:
        pairs = [(item, item) for item in value.ordered()]
    else:
        pairs = [(value[key], key) for key in value.ordered()] if value.__class__ is Object else []
    for item, known in pairs:
        yield text_of(item[0] if item.__class__ is Array and item else item, place), known


def _contains_matches(run: Run, outer: Any, inner: Any) -> Any:
    found = Set.opened()
    for cidr, first in _indexed(outer, 1):
        for text, second in _indexed(inner, 2):
            run.charge(4)
            if _contains(cidr, text):
                found.put(Array([first, second]))
    return found


NET: Final[dict[str, Builtin]] = {
    "net.cidr_contains": lambda run, a, b: boolean(_contains(text_of(a, 1), text_of(b, 2))),
    "net.cidr_contains_matches": _contains_matches,
    "net.cidr_expand": _expand,
    "net.cidr_intersects": _intersects,
    "net.cidr_is_valid": _is_valid,
    "net.cidr_merge": _merge,
    "net.cidr_overlap": lambda run, a, b: boolean(_contains(text_of(a, 1), text_of(b, 2))),
}

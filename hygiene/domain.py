"""Registrable domains: what a company owns, whatever the host or address was."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

import tldextract

# The bundled public suffix list only: no download, no cache folder. Private suffixes count (each shop of a platform is
# a company of its own).
_EXTRACT = tldextract.TLDExtract(
    suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True, include_psl_private_domains=True
)
_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@]*@)?([^/:?#\s]+)")
_LABEL = re.compile(r"^[^\s._-]([^\s.]*[^\s._-])?$")


@dataclass(frozen=True)
class DomainParts:
    """A registrable domain taken apart: ``acme.com.br`` has the ``label`` ``acme`` and the ``suffix`` ``com.br``.

    ``is_known_suffix`` is false for a suffix that the public list does not hold (a slip such as ``.con``, or a private
    network's). All parts are None where there is no domain.
    """

    domain: str | None
    label: str | None
    suffix: str | None
    is_known_suffix: bool


_NONE = DomainParts(None, None, None, False)


def domain_parts(raw: str | None) -> DomainParts:
    """The registrable domain of a URL, host or e-mail address, lower case, and its parts; never raises.

    ``https://www.shop.acme.com.br/x`` gives ``acme.com.br``. An IP address, a single label or a bare public suffix has
    none. A top-level domain that the list does not know counts as a suffix, as the list's default rule says. Source:
    the public suffix list bundled with ``tldextract``.
    """
    match = _HOST.match((raw or "").strip().lower())
    return _NONE if match is None else _host_parts(match.group(1).rstrip("."))


def registrable_domain(raw: str | None) -> str | None:
    """The registrable domain of :func:`domain_parts`, or None."""
    return domain_parts(raw).domain


@lru_cache(maxsize=200_000)
def _host_parts(host: str) -> DomainParts:
    if _is_address(host):
        return _NONE
    parts = _EXTRACT(host)
    domain: str | None
    if parts.suffix:
        domain, suffix = parts.top_domain_under_public_suffix, parts.suffix
    else:
        domain, suffix = ".".join(host.split(".")[-2:]), host.rpartition(".")[2]
    if not domain or "." not in domain or not all(_LABEL.match(label) for label in domain.split(".")):
        return _NONE
    return DomainParts(domain, domain[: -len(suffix) - 1], suffix, bool(parts.suffix))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True

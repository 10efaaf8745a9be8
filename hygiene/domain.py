"""Registrable domains: what a company owns, whatever the host or address was."""

from __future__ import annotations

import ipaddress
import re

import tldextract

# The bundled public suffix list only: no download, no cache folder. Private suffixes count (each shop of a platform is
# a company of its own).
_EXTRACT = tldextract.TLDExtract(
    suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True, include_psl_private_domains=True
)
_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@]*@)?([^/:?#\s]+)")
_LABEL = re.compile(r"^[^\s._-]([^\s.]*[^\s._-])?$")


def registrable_domain(raw: str | None) -> str | None:
    """The registrable domain of a URL, host or e-mail address, lower case; None where there is none.

    ``https://www.shop.acme.com.br/x`` gives ``acme.com.br``. An IP address, a single label or a bare public suffix has
    none. A top-level domain that the list does not know counts as a suffix, as the list's default rule says.
    """
    match = _HOST.match((raw or "").strip().lower())
    if match is None:
        return None
    host = match.group(1).rstrip(".")
    if _is_address(host):
        return None
    parts = _EXTRACT(host)
    if parts.suffix:
        domain = parts.top_domain_under_public_suffix
        return domain if domain and all(_LABEL.match(label) for label in domain.split(".")) else None
    labels = host.split(".")
    if len(labels) < 2 or not all(_LABEL.match(label) for label in labels):
        return None
    return ".".join(labels[-2:])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True

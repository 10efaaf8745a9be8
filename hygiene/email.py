"""E-mail addresses: syntax, a normal form to write to, a canonical form to recognise people by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import email_validator
from email_validator import EmailNotValidError, validate_email

#: Mailbox providers that ignore dots in the local part, and the name they all answer to.
DOTLESS_DOMAINS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}

# An address whose validity needs no library: plain ASCII atoms before the @, a host name after it. What this pattern
# takes and `_plain_domain` confirms, `validate_email` takes too, at a twentieth of the time (a test compares them).
_PLAIN = re.compile(r"([a-z0-9_+-]{1,64}(?:\.[a-z0-9_+-]+)*)@([a-z0-9-]+(?:\.[a-z0-9-]+)+)")
_LABEL = re.compile(r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Every top-level domain is letters alone, or Punycode (RFC 3696).
_TOP_LEVEL = re.compile(r"[A-Za-z]+|xn--[A-Za-z0-9-]+", re.IGNORECASE)
_LONGEST_ADDRESS, _LONGEST_LOCAL, _LONGEST_DOMAIN = 254, 64, 253

_SPACE = re.compile(r"\s+")
_DOTS = re.compile(r"[.,;:]+")
_SPOKEN_AT = re.compile(r"\s*[(\[{]\s*(?:at|arroba|arobase|a)\s*[)\]}]\s*|\s+(?:at|arroba|arobase)\s+", re.IGNORECASE)
_EDGES = " \t\r\n<>()[]{}\"'.,;:"


@dataclass(frozen=True)
class CleanEmail:
    """One cleaned address.

    ``address`` is what one may write to (trimmed, lower case), ``canonical`` the same for every spelling of one
    mailbox (no ``+tag``; no dots at Gmail), ``domain`` the part after the ``@``. All three are None unless ``status``
    is ``valid``. ``reason`` is the code why an address is not (``seeds/hygiene_reasons.csv``), ``detail`` the same in
    the words of the library. ``repaired`` is what was probably meant, for a person to confirm: the address without
    its slips of punctuation (``ana@@acme,com``); it may still lack the dot in its domain (``ana@gmail``).
    """

    address: str | None
    canonical: str | None
    domain: str | None
    status: str
    reason: str | None
    detail: str | None = None
    repaired: str | None = None


def clean_email(raw: str | None) -> CleanEmail:
    """Clean one address as typed; never raises.

    ``status`` is ``missing`` (nothing there), ``invalid`` (syntax, or a domain that can never receive mail) or
    ``valid``. No mailbox is looked up. Source: RFC 5322 as read by ``email-validator``.
    """
    text = (raw or "").strip()
    if text[-1:] == ">":  # Ana Silva <ana@acme.com>
        text = text[text.rfind("<") + 1 :]
    text = text.strip("<>").strip()
    if text[:7].lower() == "mailto:":
        text = text[7:].strip()
    if not text:
        return CleanEmail(None, None, None, "missing", None)
    plain = _PLAIN.fullmatch(text.lower()) if text.isascii() else None
    if plain is not None and _is_plain(plain):
        local, domain = plain.groups()
        return CleanEmail(f"{local}@{domain}", canonical_address(local, domain), domain, "valid", None)
    try:
        checked = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return CleanEmail(None, None, None, "invalid", _reason(text), str(error), _repaired(text))
    local, domain = checked.local_part.lower(), checked.domain.lower()
    if not _TOP_LEVEL.fullmatch(checked.ascii_domain.rpartition(".")[2]):
        detail = f"There is no top-level domain '{domain.rpartition('.')[2]}'."
        return CleanEmail(None, None, None, "invalid", "domain_malformed", detail)
    return CleanEmail(f"{local}@{domain}", canonical_address(local, domain), domain, "valid", None)


def canonical_address(local: str, domain: str) -> str:
    """The form shared by every spelling of one mailbox; ``local`` and ``domain`` in lower case."""
    mailbox = local.split("+", 1)[0] or local
    provider = DOTLESS_DOMAINS.get(domain)
    if provider is not None:
        mailbox, domain = mailbox.replace(".", "") or mailbox, provider
    return f"{mailbox}@{domain}"


def _is_plain(match: re.Match[str]) -> bool:
    local, domain = match.groups()
    return len(local) <= _LONGEST_LOCAL and len(match.group()) <= _LONGEST_ADDRESS and _is_plain_domain(domain)


@lru_cache(maxsize=200_000)
def _is_plain_domain(domain: str) -> bool:
    if len(domain) > _LONGEST_DOMAIN or not _TOP_LEVEL.fullmatch(domain.rpartition(".")[2]) or _is_special(domain):
        return False
    return all(_LABEL.fullmatch(label) for label in domain.split("."))


def _is_special(domain: str) -> bool:
    return any(domain == name or domain.endswith("." + name) for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)


def _reason(text: str) -> str:
    local, at, domain = text.rpartition("@")
    domain = domain.lower()
    checks = (
        ("no_at_sign", not at),
        ("no_local_part", not local.strip()),
        ("no_domain", not domain.strip()),
        ("too_long", len(text) > _LONGEST_ADDRESS),
        ("several_at_signs", "@" in local),
        ("space_inside", bool(_SPACE.search(text))),
        ("dots_misplaced", ".." in text or any(part.startswith(".") or part.endswith(".") for part in (local, domain))),
        ("domain_without_dot", "." not in domain and _LABEL.fullmatch(domain) is not None),
        ("domain_reserved", _is_special(domain)),
        ("domain_malformed", re.fullmatch(r"[\w.-]+", domain) is None or not domain[-1:].isalpha()),
        ("domain_malformed", not all(_LABEL.fullmatch(label) for label in domain.split(".")) and domain.isascii()),
    )
    return next((code for code, found in checks if found), "bad_character")


def _repaired(text: str) -> str | None:
    """The address without slips of punctuation; None where nothing sensible is left."""
    if "@" not in text:
        text = _SPOKEN_AT.sub("@", text, count=1)
    text = _SPACE.sub("", text).strip(_EDGES).lower()
    local, at, domain = re.sub(r"@+", "@", text).partition("@")
    local, domain = local.strip(_EDGES), _DOTS.sub(".", domain).strip(".-")
    if not at or not local or not domain or "@" in domain:
        return None
    local = re.sub(r"\.{2,}", ".", local)
    # A domain without its dot cannot be checked; whether it is a known slip (gmail, hotmailcom) the seeds say.
    dotless = "." not in domain
    try:
        checked = validate_email(f"{local}@{domain}{'.com' if dotless else ''}", check_deliverability=False)
    except EmailNotValidError:
        return None
    if not _TOP_LEVEL.fullmatch(checked.ascii_domain.rpartition(".")[2]):
        return None
    address = f"{checked.local_part}@{checked.domain}".lower()
    return address.removesuffix(".com") if dotless else address

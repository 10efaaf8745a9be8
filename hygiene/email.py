"""E-mail addresses: syntax, a normal form to write to, a canonical form to recognise people by."""

from __future__ import annotations

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

#: Mailbox providers that ignore dots in the local part, and the name they all answer to.
DOTLESS_DOMAINS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}


@dataclass(frozen=True)
class CleanEmail:
    """One cleaned address.

    ``address`` is what one may write to (trimmed, lower case), ``canonical`` the same for every spelling of one
    mailbox (no ``+tag``; no dots at Gmail), ``domain`` the part after the ``@``. All three are None unless ``status``
    is ``valid``. ``reason`` says why an address is not.
    """

    address: str | None
    canonical: str | None
    domain: str | None
    status: str
    reason: str | None


def clean_email(raw: str | None) -> CleanEmail:
    """Clean one address as typed; never raises.

    ``status`` is ``missing`` (nothing there), ``invalid`` (syntax, or a domain that can never receive mail) or
    ``valid``. No mailbox is looked up. Source: RFC 5322 as read by ``email-validator``.
    """
    text = (raw or "").strip().strip("<>").strip()
    if text.lower().startswith("mailto:"):
        text = text[7:]
    if not text:
        return CleanEmail(None, None, None, "missing", None)
    try:
        checked = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        return CleanEmail(None, None, None, "invalid", str(error))
    local, domain = checked.local_part.lower(), checked.domain.lower()
    return CleanEmail(f"{local}@{domain}", canonical_address(local, domain), domain, "valid", None)


def canonical_address(local: str, domain: str) -> str:
    """The form shared by every spelling of one mailbox; ``local`` and ``domain`` in lower case."""
    mailbox = local.split("+", 1)[0] or local
    provider = DOTLESS_DOMAINS.get(domain)
    if provider is not None:
        mailbox, domain = mailbox.replace(".", "") or mailbox, provider
    return f"{mailbox}@{domain}"

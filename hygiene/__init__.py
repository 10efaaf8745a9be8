"""Cleaning that SQL cannot do: e-mail syntax, phones to E.164, registrable domains, names.

Pure functions on one value; ``duckdb_plugin`` registers them as vectorised SQL functions for the models. Nothing here
opens a network connection: syntax comes from ``email-validator`` without delivery checks, phone plans from
``phonenumbers``, public suffixes from the list bundled with ``tldextract`` (R3, R7).
"""

from hygiene.domain import registrable_domain
from hygiene.email import CleanEmail, clean_email
from hygiene.names import clean_person_name, company_key, name_key, words_key
from hygiene.phone import CleanPhone, clean_phone

__all__ = [
    "CleanEmail",
    "CleanPhone",
    "clean_email",
    "clean_person_name",
    "clean_phone",
    "company_key",
    "name_key",
    "registrable_domain",
    "words_key",
]

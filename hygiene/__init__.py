"""Cleaning that SQL cannot do: e-mail syntax, phones to E.164, registrable domains, names of people and companies.

Pure functions on one value; ``duckdb_plugin`` registers them as vectorised SQL functions for the models. Nothing here
opens a network connection: syntax comes from ``email-validator`` without delivery checks, phone plans from
``phonenumbers``, public suffixes from the list bundled with ``tldextract`` (R3, R7). Word lists that marketing may
change (legal forms, titles before names, ...) are seeds; callers hand them over as rules.
"""

from hygiene.companies import CleanCompany, CompanyRules, clean_company, company_key
from hygiene.domain import DomainParts, domain_parts, registrable_domain
from hygiene.email import CleanEmail, clean_email
from hygiene.names import CleanName, NameRules, clean_name, clean_person_name, name_key, words_key
from hygiene.phone import CleanPhone, clean_phone

__all__ = [
    "CleanCompany",
    "CleanEmail",
    "CleanName",
    "CleanPhone",
    "CompanyRules",
    "DomainParts",
    "NameRules",
    "clean_company",
    "clean_email",
    "clean_name",
    "clean_person_name",
    "clean_phone",
    "company_key",
    "domain_parts",
    "name_key",
    "registrable_domain",
    "words_key",
]

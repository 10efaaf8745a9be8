"""The CRMs we can write to: one module each, found by its name."""

from __future__ import annotations

import importlib
import pkgutil

from reverse_etl.connectors.base import CrmType
from reverse_etl.errors import ManifestError

__all__ = ["crm_names", "crm_type"]


def crm_names() -> list[str]:
    """The CRMs there is a connector for."""
    modules = {module.name for module in pkgutil.iter_modules(__path__)} - set(_NO_CRM)
    return sorted(name for name in modules if "_" not in name)


#: Modules of this package that are no connector. Nor is ``<crm>_<part>``, a part of the connector ``<crm>``.
_NO_CRM = ("base", "transport")


def crm_type(name: str) -> CrmType:
    """What the connector module of that name says of its CRM.

    Raises:
        ManifestError: there is no such module.
    """
    if name not in crm_names():
        raise ManifestError(f"unknown destination {name!r}: there are connectors for {', '.join(crm_names())}")
    found = importlib.import_module(f"{__name__}.{name}").CRM
    assert isinstance(found, CrmType)
    return found

"""Connectors, one module a CRM: :mod:`reverse_etl.connectors.hubspot`."""

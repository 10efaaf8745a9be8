"""Ingestion: everything that arrives, loaded into the raw schemas of the warehouse with its lineage."""

"""Accounts and people by name, from the published snapshot, behind a token: what the public report pages leave out."""

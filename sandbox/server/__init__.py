"""A local CRM that answers HubSpot's REST API over SQLite, for demos, tests and benchmarks.

It is reached over HTTP only: nothing in the product imports it. ``python -m sandbox.server --help`` starts one.
"""

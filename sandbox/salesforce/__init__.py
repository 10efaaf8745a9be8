"""A local CRM that answers Salesforce's APIs over SQLite, for demos, tests and benchmarks.

It is reached over HTTP only: nothing in the product imports it. ``python -m sandbox.salesforce --help`` starts one.
"""

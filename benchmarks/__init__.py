"""Measurements of the product, one module a benchmark: ``python -m benchmarks.<name>``."""

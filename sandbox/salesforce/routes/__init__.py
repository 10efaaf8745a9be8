"""HTTP routes, one module a part of the API. Paths are those behind ``/services/data/vNN.0``."""

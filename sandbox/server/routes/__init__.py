"""HTTP routes, one module an area of the API. Paths are canonical (see ``sandbox.server.paths``)."""

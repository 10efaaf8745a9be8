"""The error of the page builder."""


class PageError(Exception):
    """A page that cannot be built: names the file, the line and what was wrong."""

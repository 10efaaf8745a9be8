"""Report pages: Markdown with named SQL blocks, built into a static site from the published snapshot."""

from reports.build import PageError, build_site

__all__ = ["PageError", "build_site"]

"""Report pages: Markdown with queries and charts, built into a static site from the published snapshot."""

from reports.build import build_site
from reports.errors import PageError

__all__ = ["PageError", "build_site"]

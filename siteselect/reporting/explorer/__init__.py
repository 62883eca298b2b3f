"""A plan as one interactive page that makes no request."""

from siteselect.reporting.explorer.page import ExplorerPage, explore

__all__ = ["ExplorerPage", "explore"]

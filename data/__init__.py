"""Bundled layers of the contiguous United States; see ``catalog.toml``."""

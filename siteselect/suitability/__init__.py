"""The suitability room."""

"""The infrastructure room."""

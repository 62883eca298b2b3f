"""The layers room."""

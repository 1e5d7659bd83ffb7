"""Scripts for measuring that are not part of the app."""

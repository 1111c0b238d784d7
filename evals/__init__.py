"""Measurements of the installed proxy; nothing here is shipped with it."""

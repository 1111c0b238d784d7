"""The search measured: each mechanism off in turn."""

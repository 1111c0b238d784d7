"""The search measured: each mechanism off in turn, and more or fewer upstream calls allowed."""

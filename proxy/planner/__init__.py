"""The small model that decides what rules cannot; it only suggests, and everything works without it.

`opening.open_planner` is the way in.
"""

"""How fast the planner is, and how often it decides right."""

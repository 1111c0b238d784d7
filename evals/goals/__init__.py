"""Everyday goals over real servers: what the product makes of them, and of plans that models wrote for them."""

"""Everyday goals over real servers: what the product, a plain loop and written plans make of them."""

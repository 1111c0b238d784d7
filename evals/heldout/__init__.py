"""Held-out plans: sound ones taken from elsewhere and broken at run time as small models break them."""

"""How fast the page is over a journal of many calls."""

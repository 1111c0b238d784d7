"""Broken calls and broken plans, run through the installed proxy as a client would run them."""

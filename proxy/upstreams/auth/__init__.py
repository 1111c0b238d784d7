"""Logging in at upstreams: tokens, where they are kept, how they are renewed."""

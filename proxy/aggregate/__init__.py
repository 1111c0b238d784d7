"""Many upstreams as one server: which of them answers what."""

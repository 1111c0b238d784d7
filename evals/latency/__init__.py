"""How long the proxy thinks about a failure, the upstream's own time left out."""

"""What the upstreams offer now, merged into one catalog and kept on disk."""

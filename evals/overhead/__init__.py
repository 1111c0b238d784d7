"""What the proxy costs: the same calls direct, through us and through other proxies, interleaved in one run."""

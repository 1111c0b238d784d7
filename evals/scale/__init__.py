"""What one call costs as replicas and clients grow: processor time of each part, and what the store is asked."""

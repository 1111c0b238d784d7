"""The nouns of mcp-mend: immutable data that every other package speaks, and nothing that acts."""

"""One `tools/call`: forwarded as it came, mended when it fails."""

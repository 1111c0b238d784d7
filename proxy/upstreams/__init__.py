"""Connections to the servers behind the proxy: raw JSON-RPC over stdio, Streamable HTTP and SSE."""

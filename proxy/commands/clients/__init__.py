"""`mcp-mend install`, `uninstall`, `clients` and `import`: the configuration files of MCP clients."""

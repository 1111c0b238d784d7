"""`mcp-mend install`, `uninstall` and `import`: the configuration files of MCP clients."""

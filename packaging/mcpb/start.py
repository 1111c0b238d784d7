"""Start mcp-mend inside its bundle."""

from proxy.cli import main

if __name__ == "__main__":
    main(prog_name="mcp-mend")

"""A real MCP server that answers each method with what it was told to: `python reciting.py '{"tools/list": {...}}'`.

Of the answer to `initialize` it says the version itself; a method that it was told nothing of it does not know, and one
of which it was told `null` it never answers.
"""

import json
import sys


def main() -> None:
    said = json.loads(sys.argv[1])
    for line in sys.stdin:
        message = json.loads(line)
        ident, method = message.get("id"), message.get("method")
        if ident is None or method is None:
            continue
        answer = {"error": {"code": -32601, "message": "Method not found"}}
        if method == "initialize":
            info = {"name": "reciting", "version": "1"}
            version = message["params"]["protocolVersion"]
            hello = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
            answer = {"result": hello | said.get(method, {})}
        elif method in said:
            if said[method] is None:
                continue
            answer = {"result": said[method]}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": ident, **answer}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

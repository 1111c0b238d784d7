"""A browser for logins without a person: with `BROWSER="python browser.py %s"` an address is opened and followed."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

if __name__ == "__main__":
    try:
        urllib.request.urlopen(sys.argv[1], timeout=20).read()  # noqa: S310 (the address that the program under test names)
    except urllib.error.HTTPError as refused:
        sys.exit(str(refused))

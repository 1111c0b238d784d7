"""The official conformance suites, against a server directly and against the same server behind the proxy."""

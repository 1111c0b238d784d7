"""Who stands behind a request over HTTP: bearer tokens of the store, and tokens of an identity provider."""

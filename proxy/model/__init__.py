"""The model: the worker process that holds it, the client that asks it, and endpoints that serve one."""

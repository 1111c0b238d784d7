"""The endpoints that clients see: the aggregated one and one per upstream, on stdio and Streamable HTTP."""

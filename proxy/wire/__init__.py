"""JSON-RPC and the protocol's own names: messages, their bytes, and who stands behind them."""

"""One module per command or group of commands; heavy imports stay inside the functions that need them."""

"""What the build of llama-cpp-python is told to leave out in a checkout."""

"""Real services of Debian's, each started for the tests that need it and ended after them."""

"""Real servers on the loopback, for tests, measurements and trials."""

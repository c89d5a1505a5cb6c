"""The tests: a package, so that its services can be started by name."""

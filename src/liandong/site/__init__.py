"""The only place that knows every room: settings, addresses, server, command line."""

"""Adapters behind `kernel.ports`, named only in settings; each knows its library and the kernel."""

"""Pages of the room `portal`."""

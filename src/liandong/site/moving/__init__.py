"""Moving an installation between sets of engines: rows, stored bytes, folders, and the proof."""

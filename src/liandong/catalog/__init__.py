"""Facts of the standards as tables, each row with its source and confidence; no code lives here."""

"""How a hand-over becomes items: zip, catalogue, packages, bare folders.  Writes no rows."""

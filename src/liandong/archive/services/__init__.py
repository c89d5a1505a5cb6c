"""Everything that changes the archive."""

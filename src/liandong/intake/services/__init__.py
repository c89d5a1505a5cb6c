"""Everything that changes what is on its way in."""

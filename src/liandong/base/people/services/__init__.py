"""Everything that changes accounts, units, rights, passwords, sessions and factors."""

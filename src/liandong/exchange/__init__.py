"""Use of what is kept: sharing between departments, reading room, certified copies, loans."""

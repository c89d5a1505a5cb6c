"""Incentives of reporters, service stations, and conduct between officials and enterprises."""

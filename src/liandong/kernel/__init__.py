"""What the standards and rules say, in plain Python: no Django, no third-party library."""

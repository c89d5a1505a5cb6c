"""Faults on purpose: real processes, real kills, and a count of what was lost or doubled.

`python -m benchmarks.drills` runs them all and prints a table; 1 when a row is bad.
"""

"""Side-by-side measurements: each module has `run(size) -> Iterator[dict]`, one row per line."""

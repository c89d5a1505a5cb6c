"""Pages of the hand-over: batches, uploads, reports, review."""

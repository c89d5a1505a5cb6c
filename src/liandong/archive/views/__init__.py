"""Pages of what is kept: search, records, viewer, correction, holdings, preservation."""

"""Reports: the pages and the summaries that people read."""

"""Storage: files written whole or not at all, tables, manifests of shards, provenance, downloads."""

"""Build shards from plan rows."""

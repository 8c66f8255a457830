"""Plan rows -> published shards."""

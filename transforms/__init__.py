"""Steps between a source and a shard: pure functions, and the Beam transforms that carry them."""

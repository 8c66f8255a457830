"""Read shards and folders of sound files as batches of examples."""

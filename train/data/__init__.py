"""Shards and folders of sounds -> batches."""

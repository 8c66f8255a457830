"""Plan: read clips from sources, leave some out with a reason, caption the others, and assign them to shards."""

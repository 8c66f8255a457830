"""A run: steps, loss, ranks, checkpoints, logs."""

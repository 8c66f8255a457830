"""The training loop: steps, loss, ranks, checkpoints, logs, metrics, plots."""

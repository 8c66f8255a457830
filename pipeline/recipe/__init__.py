"""Read, check and write recipes."""

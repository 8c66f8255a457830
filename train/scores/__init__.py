"""Score trained models: published protocols, confidence intervals, the rank of every query."""

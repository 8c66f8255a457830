"""How Beam runs our pipelines: locally, or on an engine of its own."""

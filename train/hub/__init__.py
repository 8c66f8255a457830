"""What an exported folder carries besides weights, and how it is sent to a model hub."""

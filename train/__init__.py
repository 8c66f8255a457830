"""Train CLAP on WebDataset shards; evaluate, classify, embed, search and export with the trained model."""

"""CLAP on WebDataset shards: audio and text towers, contrastive training, retrieval, classification, export."""

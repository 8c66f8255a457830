"""Caption -> the same caption without words of gender."""

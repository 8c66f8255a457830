"""Turn recipes into shards: the command line, the plan, the build, the books."""

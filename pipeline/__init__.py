"""Recipe to shards: the command line, the plan, the build, the books."""

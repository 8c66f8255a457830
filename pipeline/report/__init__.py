"""Print results for users: tables, progress, captions."""

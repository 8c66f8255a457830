"""What people look at: tables, progress, captions."""

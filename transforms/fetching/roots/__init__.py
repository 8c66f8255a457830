"""Recordings the user has, in folders, archives and object stores."""

"""What this machine gives: its cores, and files that the processes of one user share."""

"""How often hosts are asked."""

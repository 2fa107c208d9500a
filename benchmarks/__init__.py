"""How fast training is, side by side: `make bench` and `make bench-peers`."""

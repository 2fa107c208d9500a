"""The console: environments and what the bytes of its memory mean."""

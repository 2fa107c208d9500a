"""A whole training, to the disk and back."""

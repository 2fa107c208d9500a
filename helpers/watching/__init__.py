"""See an agent play: recordings, live games, Q-values as bars, the player."""

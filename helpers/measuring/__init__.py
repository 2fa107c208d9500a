"""How well an agent plays: games, protocol, statistics, published scores, shipped agents."""

"""keras-rl2's DQN agent, faster: memory, graph, agents, loops; knows no game."""

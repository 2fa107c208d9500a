"""The agents: networks, inputs, hyperparameters, recipes and weights files."""

"""The agents by name: the game that each plays, its network, and the hyperparameters in which it is not the post's."""
from typing import Any, Dict, NamedTuple, Optional

import gym

from helpers.games import NB_ACTIONS, PIXELS, RAM, make_game, make_small_screen_game


class Recipe(NamedTuple):
    """How an agent is made.

    env_id: the environment of its training. network: "pixels", "small pixels" or "RAM". window: observations that make
    one state. options: of `build_agent`, where they are not its defaults, the post's. nb_steps: agent steps of a whole
    training. nb_envs: emulators of `fit_parallel`; None trains by `fit`. nb_threads: inside one TensorFlow operation;
    another number changes the last digits of the weights.
    """

    env_id: str
    network: str
    window: int
    options: Dict[str, Any]
    nb_steps: int
    nb_envs: Optional[int] = None
    nb_threads: int = 1

    def make_env(self, seed: Optional[int] = None) -> gym.Env:
        make = make_small_screen_game if self.network == "small pixels" else make_game
        return make(self.env_id, seed)

    def build_agent(self) -> Any:
        """The untrained agent, compiled."""
        from helpers.agents import build_agent, build_pixel_model, build_ram_model, build_small_pixel_model

        if self.network == "pixels":
            model = build_pixel_model((210, 160, 3), NB_ACTIONS, self.window)
        elif self.network == "small pixels":
            model = build_small_pixel_model(NB_ACTIONS, self.window)
        else:
            model = build_ram_model(128, NB_ACTIONS, self.window)
        return build_agent(model, NB_ACTIONS, window=self.window, fast=True, **self.options)


# Mnih et al. 2015: scale, clipping, an update for 4 steps. Hessel et al. 2018 (Rainbow): double, 3 steps, Adam's
# epsilon, target period (32,000 frames). The learning rate lies between theirs and the post's.
TUNED = {"observation_scale": 1 / 255, "reward_clip": 1.0, "train_interval": 4, "double": True, "n_step": 3,
         "learning_rate": 1e-4, "adam_epsilon": 1.5e-4, "target_update": 8_000, "epsilon_steps": 250_000,
         "warmup_steps": 10_000}

RECIPES: Dict[str, Recipe] = {
    "pixels_post": Recipe(PIXELS, "pixels", 3, {}, 10_000, nb_threads=2),
    "ram_post": Recipe(RAM, "RAM", 3, {}, 10_000_000),
    "ram_best": Recipe(RAM, "RAM", 3, {**TUNED, "replay_limit": 1_000_000}, 10_000_000, nb_envs=8),
    "pixels_84": Recipe(PIXELS, "small pixels", 4, {**TUNED, "replay_limit": 200_000}, 2_000_000, nb_envs=8,
                        nb_threads=2),
}


def recipe(name: str) -> Recipe:
    """The recipe of the agent `name`.

    Raises:
        ValueError: there is no agent of this name.
    """
    if name not in RECIPES:
        raise ValueError(f"There is no agent {name!r}; expected one of {', '.join(RECIPES)}. Choose one of them.")
    return RECIPES[name]

"""The agents by name: the game that each plays, its network, and the hyperparameters in which it is not the post's."""
from typing import Any, Dict, NamedTuple, Optional

import gym

from helpers.games import NB_ACTIONS, PIXELS, RAM, make_game, make_small_screen_game


class Recipe(NamedTuple):
    """How an agent is made.

    env_id: the environment of its training. network: "pixels", "small pixels" or "RAM". window: observations that make
    one state. options: of `build_agent`, where they are not its defaults, the post's.
    """

    env_id: str
    network: str
    window: int
    options: Dict[str, Any]

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


RECIPES: Dict[str, Recipe] = {
    "pixels_post": Recipe(PIXELS, "pixels", 3, {}),
    "ram_post": Recipe(RAM, "RAM", 3, {}),
    "pixels_84": Recipe(PIXELS, "small pixels", 4, {"observation_scale": 1 / 255, "reward_clip": 1.0}),
}


def recipe(name: str) -> Recipe:
    """The recipe of the agent `name`.

    Raises:
        ValueError: there is no agent of this name.
    """
    if name not in RECIPES:
        raise ValueError(f"There is no agent {name!r}; expected one of {', '.join(RECIPES)}. Choose one of them.")
    return RECIPES[name]

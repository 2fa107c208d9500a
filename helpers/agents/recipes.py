"""The agents by name: the game that each plays, its network, and its hyperparameters."""
from typing import Any, Dict, NamedTuple, Optional, Sequence

import gym

from helpers.game.environment import NB_ACTIONS, PIXELS, RAM, make_game, make_small_screen_game
from helpers.game.ram import nb_rows, shown_with
from helpers.game.wrappers import LifeAsEpisode


class Recipe(NamedTuple):
    """How an agent is made.

    env_id: the environment of its training. network: "pixels", "small pixels" or "RAM". window: observations that make
    one state. options: of `build_agent`, where they are not its defaults, the post's on pixels. nb_steps: agent steps
    of a whole training. nb_envs: emulators of `fit_parallel`; None trains by `fit`. nb_threads: inside one TensorFlow
    operation; another number changes the last digits of the weights. hidden: sizes of the RAM network's layers.
    life_as_episode: whether training takes the loss of a life for an end.
    """

    env_id: str
    network: str
    window: int
    options: Dict[str, Any]
    nb_steps: int
    nb_envs: Optional[int] = None
    nb_threads: int = 1
    hidden: Sequence[int] = (512, 128)
    life_as_episode: bool = False

    def make_env(self, seed: Optional[int] = None) -> gym.Env:
        """The game as it is measured and watched."""
        make = make_small_screen_game if self.network == "small pixels" else make_game
        return make(self.env_id, seed)

    def make_training_env(self, seed: Optional[int] = None) -> gym.Env:
        """The game as it is trained on."""
        env = self.make_env(seed)
        return LifeAsEpisode(env) if self.life_as_episode else env

    def build_agent(self) -> Any:
        """The untrained agent, compiled."""
        from helpers.agents.build import build_agent
        from helpers.agents.networks import build_pixel_model, build_ram_model, build_small_pixel_model

        if self.network == "pixels":
            model = build_pixel_model((210, 160, 3), NB_ACTIONS, self.window)
        elif self.network == "small pixels":
            model = build_small_pixel_model(NB_ACTIONS, self.window)
        else:
            rows = nb_rows(self.window, **shown_with(self.options))
            model = build_ram_model(128, NB_ACTIONS, rows, self.hidden)
        return build_agent(model, NB_ACTIONS, window=self.window, fast=True, **self.options)


# Mnih et al. 2015: scale, clipping, an update for 4 steps. Hessel et al. 2018 (Rainbow): double, 3 steps, Adam's
# epsilon, target period (32,000 frames). The learning rate lies between theirs and the post's.
TUNED = {"observation_scale": 1 / 255, "reward_clip": 1.0, "train_interval": 4, "double": True, "n_step": 3,
         "learning_rate": 1e-4, "adam_epsilon": 1.5e-4, "target_update": 8_000, "epsilon_steps": 250_000,
         "warmup_steps": 10_000}

RECIPES: Dict[str, Recipe] = {
    "pixels_post": Recipe(PIXELS, "pixels", 3, {}, 10_000, nb_threads=2),
    # its epsilon falls until the last step; in the program for pixels over 10,000 steps, the default of build_agent
    "ram_post": Recipe(RAM, "RAM", 3, {"epsilon_steps": 10_000_000}, 10_000_000),
    # one observation holds all that the game knows; what was tried stands in tools/run_experiments.py
    "ram_best": Recipe(RAM, "RAM", 1, {**TUNED, "replay_limit": 1_000_000, "bits": True, "positions": True,
                                       "invaders": True, "bombs": True, "n_step": 5, "epsilon_end": 0.02},
                       10_000_000, nb_envs=8, hidden=(256, 128), life_as_episode=True),
    # updates are nearly all of its time: with half as many, the same hours hold nearly twice as many steps
    "pixels_84": Recipe(PIXELS, "small pixels", 4, {**TUNED, "train_interval": 8, "replay_limit": 200_000}, 2_000_000,
                        nb_envs=8, nb_threads=2),
}

OPTIONS = ("replay_limit", "warmup_steps", "epsilon_start", "epsilon_end", "epsilon_steps", "target_update",
           "learning_rate", "adam_epsilon", "delta_clip", "gamma", "batch_size", "train_interval", "n_step", "double",
           "observation_scale", "reward_clip", "reward_scale", "bits", "positions", "invaders", "bombs",
           "nb_quantiles")
"""Options of `build_agent` that a recipe may name."""

FIELDS = ("window", "hidden", "life_as_episode")
"""Hyperparameters that stand in the recipe itself."""


def recipe(name: str, changes: Optional[Dict[str, Any]] = None) -> Recipe:
    """The recipe of the agent `name`.

    Args:
        changes: values for OPTIONS and FIELDS that differ from the agent's own.

    Raises:
        ValueError: there is no agent of this name, or no such hyperparameter.
    """
    if name not in RECIPES:
        raise ValueError(f"There is no agent {name!r}; expected one of {', '.join(RECIPES)}. Choose one of them.")
    made, changes = RECIPES[name], changes or {}
    for unknown in set(changes) - {*OPTIONS, *FIELDS}:
        raise ValueError(f"There is no hyperparameter {unknown!r}; expected one of {', '.join(OPTIONS + FIELDS)}. "
                         "Correct it.")
    options = {key: value for key, value in changes.items() if key in OPTIONS}
    fields = {key: value for key, value in changes.items() if key in FIELDS}
    return made._replace(options={**made.options, **options}, **fields)


def recorded_recipe(hyperparameters: Dict[str, Any]) -> Recipe:
    """The recipe by which a run was made, as its hyperparameters.json or its manifest entry says.

    Only OPTIONS and FIELDS are taken from there; game, network, emulators and threads are those of today.

    Raises:
        ValueError: they name no agent that there is.
    """
    made, defaults = recipe(str(hyperparameters.get("agent"))), Recipe._field_defaults
    fields = {name: hyperparameters.get(name, defaults.get(name, getattr(made, name))) for name in FIELDS}
    return made._replace(options={name: hyperparameters[name] for name in OPTIONS if name in hyperparameters}, **fields)

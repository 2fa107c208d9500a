"""The networks and agents by name: the game that each plays, and its hyperparameters."""
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import gym

from helpers.agents.hyperparameters import DEFAULTS, HYPERPARAMETERS, check_hyperparameters, todays_names
from helpers.game.environment import NB_ACTIONS, PIXELS, RAM, make_game, make_small_screen_game
from helpers.game.wrappers import SMALL_SCREEN, LifeAsEpisode


class Network(NamedTuple):
    """A network and the game that it is for.

    observation: shape of one. env_id, nb_actions: of the game. make_game: makes it, from env_id and a seed. build:
    makes the model, from the module `helpers.agents.networks` (which brings TensorFlow), the rows of a state, and the
    sizes of layers.
    """

    observation: Tuple[int, ...]
    env_id: str
    nb_actions: int
    make_game: Callable[[str, Optional[int]], gym.Env]
    build: Callable[[Any, int, Tuple[int, ...]], Any]


NETWORKS: Dict[str, Network] = {
    "pixels": Network((210, 160, 3), PIXELS, NB_ACTIONS, make_game,
                      lambda networks, rows, _: networks.build_pixel_model((210, 160, 3), NB_ACTIONS, rows)),
    "small pixels": Network(SMALL_SCREEN, PIXELS, NB_ACTIONS, make_small_screen_game,
                            lambda networks, rows, _: networks.build_small_pixel_model(NB_ACTIONS, rows)),
    "RAM": Network((128,), RAM, NB_ACTIONS, make_game,
                   lambda networks, rows, hidden: networks.build_ram_model(128, NB_ACTIONS, rows, hidden)),
}
"""One row adds a network, or a game for one that there is."""


class Recipe(NamedTuple):
    """How an agent is made.

    network: a name in NETWORKS. options: hyperparameters where they are not the defaults, the post's on pixels.
    nb_steps: agent steps of a whole training. nb_envs: emulators of `fit_parallel`; None trains by `fit`. nb_threads:
    inside one TensorFlow operation; another number changes the last digits of the weights.
    """

    network: str
    options: Dict[str, Any]
    nb_steps: int
    nb_envs: Optional[int] = None
    nb_threads: int = 1

    @property
    def hyperparameters(self) -> Dict[str, Any]:
        """All of them, defaults included."""
        return {**DEFAULTS, **self.options}

    @property
    def env_id(self) -> str:
        """The environment of its training."""
        return NETWORKS[self.network].env_id

    @property
    def is_dense(self) -> bool:
        """Whether dense layers are all that its network has, as for numbers in a row."""
        return len(NETWORKS[self.network].observation) == 1

    @property
    def learning_rate(self) -> Optional[Callable[[int], float]]:
        """The learning rate by agent steps, for `fit_parallel`; None if it stays the same.

        Raises:
            ValueError: it shall fall, but the agent is trained by `fit`, which takes no such function.
        """
        first, last, steps = (self.hyperparameters[f"learning_rate{part}"] for part in ("", "_end", "_steps"))
        if last is None:
            return None
        if self.nb_envs is None:
            raise ValueError(f"learning_rate_end is {last}, but this agent is trained by fit; expected None, or an "
                             "agent that is trained by fit_parallel. Leave it out.")
        return lambda step: first + (last - first) * min(step / steps, 1)

    def make_env(self, seed: Optional[int] = None) -> gym.Env:
        """Make the game as it is measured and watched."""
        return NETWORKS[self.network].make_game(self.env_id, seed)

    def make_training_env(self, seed: Optional[int] = None) -> gym.Env:
        """Make the game as it is trained on."""
        env = self.make_env(seed)
        return LifeAsEpisode(env) if self.hyperparameters["life_as_episode"] else env


# Mnih et al. 2015: scale, clipping, an update for 4 steps. Hessel et al. 2018 (Rainbow): double, 3 steps, Adam's
# epsilon, target period (32,000 frames). The learning rate lies between theirs and the post's.
TUNED = {"observation_scale": 1 / 255, "reward_clip": 1.0, "train_interval": 4, "double": True, "n_step": 3,
         "learning_rate": 1e-4, "adam_epsilon": 1.5e-4, "target_update": 8_000, "epsilon_steps": 250_000,
         "warmup_steps": 10_000}

RECIPES: Dict[str, Recipe] = {
    "pixels_post": Recipe("pixels", {}, 10_000, nb_threads=2),
    # its epsilon falls until the last step; in the program for pixels over 10,000 steps, the default
    "ram_post": Recipe("RAM", {"epsilon_steps": 10_000_000}, 10_000_000),
    # one observation holds all that the game knows; what was tried stands in tools/run_experiments.py
    "ram_best": Recipe("RAM", {"window": 1, "hidden": (256, 128), "life_as_episode": True, **TUNED,
                               "replay_limit": 1_000_000, "shown": ("bits", "positions", "invaders", "bombs"),
                               "n_step": 5, "epsilon_end": 0.02}, 10_000_000, nb_envs=8),
    # updates are nearly all of its time: with half as many, the same hours hold nearly twice as many steps
    "pixels_84": Recipe("small pixels", {"window": 4, **TUNED, "train_interval": 8, "replay_limit": 200_000}, 2_000_000,
                        nb_envs=8, nb_threads=2),
}


def recipe(name: str, changes: Optional[Dict[str, Any]] = None) -> Recipe:
    """Return the recipe of the agent `name`.

    Args:
        changes: hyperparameters that differ from the agent's own.

    Raises:
        ValueError: there is no agent of this name, no such hyperparameter, or it can't have this value.
    """
    if name not in RECIPES:
        raise ValueError(f"There is no agent {name!r}; expected one of {', '.join(RECIPES)}. Choose one of them.")
    return RECIPES[name]._replace(options=check_hyperparameters({**RECIPES[name].options, **(changes or {})}))


def recorded_name(hyperparameters: Dict[str, Any]) -> Optional[str]:
    """Return the name in RECIPES of the agent that a run trained, or in NETWORKS of its network; None if unknown."""
    stored = todays_names(hyperparameters)
    return next((stored[key] for key, table in (("agent", RECIPES), ("network", NETWORKS))
                 if stored.get(key) in list(table)), None)


def recorded_recipe(hyperparameters: Dict[str, Any]) -> Recipe:
    """Return the recipe by which a run was made, as its hyperparameters.json or its manifest entry says.

    Only hyperparameters are taken from there; game, network, emulators and threads of an agent are those of today.

    Raises:
        ValueError: they name no agent or network that there is, or a hyperparameter can't have its value.
    """
    stored, name = todays_names(hyperparameters), recorded_name(hyperparameters)
    made = Recipe(name, {}, 0) if name in NETWORKS else recipe(str(stored.get("agent")))
    return made._replace(options=check_hyperparameters({name: stored[name] for name in HYPERPARAMETERS
                                                        if name in stored}))

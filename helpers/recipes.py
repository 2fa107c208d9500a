"""The agents by name: which game each plays, and how it is built."""
from typing import Any, Callable, Dict, NamedTuple

from helpers.games import NB_ACTIONS, PIXELS, RAM


class Recipe(NamedTuple):
    """env_id: the environment of its training. build: makes the untrained, compiled agent."""

    env_id: str
    build: Callable[[], Any]


def _pixels_post() -> Any:
    from helpers.agents import ScaleAndClip, build_agent, build_pixel_model

    return build_agent(build_pixel_model((210, 160, 3), NB_ACTIONS), NB_ACTIONS, processor=ScaleAndClip())


def _ram_post() -> Any:
    from helpers.agents import build_agent, build_ram_model

    return build_agent(build_ram_model(128, NB_ACTIONS), NB_ACTIONS)


RECIPES: Dict[str, Recipe] = {"pixels_post": Recipe(PIXELS, _pixels_post), "ram_post": Recipe(RAM, _ram_post)}


def recipe(name: str) -> Recipe:
    """The recipe of the agent `name`.

    Raises:
        ValueError: there is no agent of this name.
    """
    if name not in RECIPES:
        raise ValueError(f"There is no agent {name!r}; expected one of {', '.join(RECIPES)}. Choose one of them.")
    return RECIPES[name]

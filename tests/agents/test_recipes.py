"""helpers/recipes.py: what a stored agent was made with reaches the function that makes it."""
from inspect import signature

from helpers.agents.build import build_agent
from helpers.agents.recipes import OPTIONS, RECIPES, recipe, recorded_recipe
from helpers.train import describe_run


def test_every_option_of_an_agent_can_be_recorded():
    """One that is missing in OPTIONS would be dropped without a word when an agent is loaded."""
    given = {"model", "nb_actions", "window", "epsilon_test", "processor", "fast"}
    assert set(OPTIONS) == set(signature(build_agent).parameters) - given


def test_a_recorded_recipe_is_the_recipe():
    assert list(RECIPES) == ["pixels_post", "ram_post", "ram_best", "pixels_84"]
    for name in RECIPES:
        changes = {"gamma": 0.5, "hidden": [8], "life_as_episode": True}
        assert recorded_recipe(describe_run(name, 10, 1, {})) == RECIPES[name]
        assert recorded_recipe(describe_run(name, 10, 1, changes)) == recipe(name, changes)

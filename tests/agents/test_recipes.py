"""What a stored agent was made with reaches the function that makes it."""
import json
import random

import numpy as np
import pytest
import tensorflow as tf

from helpers.agents.build import build_by_recipe
from helpers.agents.recipes import NETWORKS, RECIPES, recipe, recorded_name, recorded_recipe
from helpers.checkpoints.checkpoint import Checkpoint, find_checkpoints
from helpers.train import describe_run


def test_a_recorded_recipe_is_the_recipe():
    assert list(RECIPES) == ["pixels_post", "ram_post", "ram_best", "pixels_84"]
    for name in RECIPES:
        for changes in ({}, {"gamma": 0.5, "hidden": [8], "life_as_episode": True, "shown": ["bombs", "bits"]}):
            stored, made = json.loads(json.dumps(describe_run(name, 10, 1, changes))), recipe(name, changes)
            read = recorded_recipe(stored)
            assert read.hyperparameters == made.hyperparameters
            assert read._replace(options={}) == made._replace(options={}) == RECIPES[name]._replace(options={})


def test_what_earlier_versions_stored_is_read():
    switches = {"bits": True, "positions": False, "invaders": True, "bombs": False}
    made = recorded_recipe({"agent": "ram_best", "window": 1, "nb_quantiles": 1, **switches})
    assert made.hyperparameters["shown"] == ("bits", "invaders") and made.nb_envs == 8
    of_notebook_05 = {"nb_steps": 60_000, "window": 3, "replay": 50_000, "double": True, "seed": 1}
    for places, shown in ((True, ("positions", "invaders", "bombs")), (False, ())):
        stored = {**of_notebook_05, "show_places": places}
        made = recorded_recipe(stored)
        assert recorded_name(stored) == made.network == "RAM"
        assert (made.options["shown"], made.options["replay_limit"]) == (shown, 50_000)
        assert (made.options["observation_scale"], made.options["reward_clip"]) == (1 / 255, 1)
    assert recorded_name(of_notebook_05) is None and recorded_name({"agent": "mine"}) is None


def test_each_network_takes_what_its_game_shows():
    for name, network in NETWORKS.items():
        made = RECIPES["ram_post"]._replace(network=name, options={"window": 2, "replay_limit": 40})
        env, agent = made.make_env(seed=1), build_by_recipe(made)
        assert env.reset().shape == network.observation == agent.model.input_shape[2:]
        assert env.action_space.n == network.nb_actions == agent.nb_actions and env.spec.id == made.env_id


def test_a_learning_rate_that_falls_is_resumed_to_the_bit(tmp_path):
    made = recipe("ram_best", {"hidden": [4], "warmup_steps": 200, "replay_limit": 2_000, "learning_rate": 0.01,
                               "learning_rate_end": 0, "learning_rate_steps": 4_000})
    assert [made.learning_rate(step) for step in (0, 1_000, 4_000, 9_000)] == [0.01, 0.0075, 0, 0]

    def trained(folder, *totals):
        for nb_steps in totals:
            tf.keras.backend.clear_session()
            random.seed(1)
            np.random.seed(1)
            tf.random.set_seed(1)
            agent = build_by_recipe(made)
            agent.fit_parallel(made.make_training_env, made.nb_envs, nb_steps, seed=1, verbose=0,
                               callbacks=[Checkpoint(folder)], learning_rate=made.learning_rate,
                               resume=folder if find_checkpoints(folder) else None)
        rate = tf.keras.backend.get_value(agent.trainable_model.optimizer.learning_rate)
        assert rate == pytest.approx(made.learning_rate(2_000))
        return agent.model.get_weights()

    undisturbed, resumed = trained(tmp_path / "a", 2_400), trained(tmp_path / "b", 1_500, 2_400)
    assert all(np.array_equal(one, other) for one, other in zip(undisturbed, resumed))
    assert recipe("ram_best").learning_rate is None and "learning_rate_end" not in describe_run("ram_best", 1, 1, {})
    assert recorded_recipe(describe_run("ram_best", 1, 1, made.options)).learning_rate(1_000) == 0.0075
    with pytest.raises(ValueError, match="learning_rate_end is 0.0, but this agent is trained by fit; expected None"):
        assert recipe("ram_post", {"learning_rate_end": 0}).learning_rate

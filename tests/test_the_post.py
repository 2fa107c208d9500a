"""The recipes and the notebooks hold what the post's two programs say: tests/data/the_post.json has its numbers."""
import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
import tensorflow as tf
from rl.agents import DQNAgent
from rl.memory import SequentialMemory

from helpers.agents.build import build_by_recipe
from helpers.agents.networks import build_pixel_model, build_ram_model
from helpers.agents.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[1]
POST = json.loads((ROOT / "tests" / "data" / "the_post.json").read_text(encoding="utf-8"))
# What keras-rl2 puts in where the post's programs say nothing
PROGRAMS = {program: {**POST["keras-rl2"], **POST[program]} for program in ("pixels", "RAM")}
AGENTS = {"pixels": "pixels_post", "RAM": "ram_post"}
NOTEBOOKS = {"pixels": "05", "RAM": "06"}
# Numbers in which a notebook leaves the post at full length, and the words with which its section "Where this differs
# from the blog post" says so
DIFFERS = {
    "05": {"TARGET_UPDATE": "target network", "EPSILON_TEST": "epsilon 0.05"},
    "06": {"TARGET_UPDATE": "target network", "EPSILON_TEST": "epsilon 0.05", "REPLAY_LIMIT": "replay memory",
           "LEARNING_RATE": "learning rate", "DOUBLE": "Double DQN"},
}


def number(text):
    return float(text.replace(",", "").replace("_", ""))


def parameters(start):
    """The notebook, and from its cell of numbers each name with its value at full length and its comment."""
    (path,) = (ROOT / "notebooks").glob(f"{start}_*.ipynb")
    notebook = nbformat.read(str(path), as_version=4)
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    values, comments = {"by_run_length": lambda smoke, demo, full: full}, {}
    exec(cell.source, values)
    for statement, line in zip(ast.parse(cell.source).body, cell.source.splitlines()):
        names = [node.id for node in ast.walk(statement.targets[0]) if isinstance(node, ast.Name)]
        comments.update(dict.fromkeys(names, line.split("  # ")[1]))
    return notebook, {name: values[name] for name in comments}, comments


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_network_is_the_posts(program):
    post = PROGRAMS[program]
    model = (build_pixel_model((210, 160, 3), 6, post["window"]) if program == "pixels"
             else build_ram_model(128, 6, post["window"]))
    assert [type(layer).__name__ for layer in model.layers] == [kind for kind, _ in post["layers"]]
    for layer, (_, options) in zip(model.layers, post["layers"]):
        config = layer.get_config()
        assert {name: config[name] for name in options} == {
            name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_recipe_is_the_posts(program):
    post, recipe = PROGRAMS[program], RECIPES[AGENTS[program]]
    agent = build_by_recipe(recipe)
    assert (recipe.env_id, recipe.nb_steps) == (post["env_id"], post["nb_steps"])
    assert recipe.hyperparameters["window"] == post["window"]
    assert recipe.nb_envs is None and not recipe.hyperparameters["life_as_episode"]
    assert agent.memory.limit == post["replay_limit"] and agent.memory.window_length == post["window"]
    policy = agent.policy
    assert (policy.value_max, policy.value_min, policy.nb_steps) == (
        post["epsilon_start"], post["epsilon_end"], post["epsilon_steps"])
    assert agent.nb_steps_warmup == post["warmup_steps"]
    assert agent.enable_dueling_network and agent.dueling_type == post["dueling_type"]
    assert agent.trainable_model.optimizer.get_config()["learning_rate"] == pytest.approx(post["learning_rate"])
    assert agent.target_model_update == post["target_update"] and agent.enable_double_dqn is post["double"]
    assert (agent.gamma, agent.batch_size, agent.train_interval) == (
        post["gamma"], post["batch_size"], post["train_interval"])
    assert agent.processor is None and agent.observation_scale is None and agent.reward_scale == 1
    tf.keras.backend.clear_session()


def test_what_the_post_leaves_to_keras_rl2():
    model = build_ram_model(128, 6)
    agent = DQNAgent(model, nb_actions=6, memory=SequentialMemory(limit=1_000, window_length=3))
    assert POST["keras-rl2"] == {
        "double": agent.enable_double_dqn, "target_update": agent.target_model_update, "gamma": agent.gamma,
        "batch_size": agent.batch_size, "train_interval": agent.train_interval}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_notebook_at_full_length_has_the_posts_numbers(program):
    """Except for those of DIFFERS, and these do differ, and the notebook lists them."""
    start, post = NOTEBOOKS[program], PROGRAMS[program]
    notebook, values, _ = parameters(start)
    posts = {name.upper(): value for name, value in post.items()}
    posts["EPSILON_TEST"] = posts.pop("VALUE_TEST")
    shared = set(values) & set(posts)
    assert shared >= {"NB_STEPS", "WARMUP_STEPS", "EPSILON_STEPS", "EPSILON_START", "EPSILON_END", "WINDOW",
                      "REPLAY_LIMIT", "LEARNING_RATE", "CHECKPOINT_EVERY"}
    assert {name: values[name] for name in shared - set(DIFFERS[start])} == {
        name: posts[name] for name in shared - set(DIFFERS[start])}
    assert not [name for name in DIFFERS[start] if values[name] == posts[name]]
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    differences = re.search(r"^## Where this differs from the blog post\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert not [words for words in DIFFERS[start].values() if words.lower() not in differences.group(1).lower()]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_comment_that_names_the_posts_number_names_the_right_one(program):
    _, _, comments = parameters(NOTEBOOKS[program])
    named = {name: re.search(r"(?:the )?post(?:'s)?: ([\d.,]+\d)", comment) for name, comment in comments.items()}
    named = {name: number(match.group(1)) for name, match in named.items() if match}
    assert named and named == {name: PROGRAMS[program][name.lower()] for name in named}


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "notebooks").glob("*.ipynb"))],
                         ids=lambda path: path.stem)
def test_what_stands_in_quotation_marks_is_the_posts(path):
    """In a sentence about the post; no sentence puts words into its mouth."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for sentence in re.split(r"(?<=[.!?]) |\n\n|\n(?=[-|#])", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if re.search(r"\bpost\b", sentence):
            assert set(re.findall(r'"([^"]+?)[.,]?"', sentence)) <= set(POST["quoted"]), sentence

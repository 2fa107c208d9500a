"""What the notebooks share: each public name and its module, in the order in which the notebooks meet them."""
import logging
import os
from importlib import import_module
from typing import Any, List

from helpers import machine, surroundings

machine.check()  # first, because on some computers TensorFlow or the emulator end Python without a word
surroundings.check()
surroundings.draw_in_notebook()
os.environ["KERAS_HOME"] = os.devnull  # a reader's own keras.json may ask for 16-bit numbers
# TensorFlow warns at each start that it found no GPU, and later of its own deprecated parts that keras-rl2 uses.
# A reader can do nothing about either. Errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
logging.getLogger("tensorflow").addFilter(lambda record: record.levelno >= logging.ERROR)

_MODULE_OF = {
    # 01 set up
    "version_table": "versions",
    "python_note": "versions",
    "set_seeds": "learning.seeds",
    # 02 import the ROMs
    "get_roms": "roms",
    "has_space_invaders": "roms",
    # 03 meet the game
    "by_run_length": "runs.folder",
    "make_game": "game.environment",
    "PIXELS": "game.environment",
    "RAM": "game.environment",
    "play_games": "measuring.play",
    "random_player": "measuring.play",
    "mean_interval": "measuring.statistics",
    "record_game": "watching.recording",
    # 04 learn by hand
    "draw_q_table": "watching.diagrams",
    "draw_backup": "watching.diagrams",
    "moving_picture": "watching.diagrams",
    "draw_data_flow": "watching.diagrams",
    "draw_n_step": "watching.diagrams",
    "draw_network_to_scale": "watching.diagrams",
    "draw_time_axis": "watching.diagrams",
    # 05 train on pixels
    "set_threads": "learning.threads",
    "build_pixel_model": "agents.networks",
    "build_agent": "agents.build",
    "ScaleAndClip": "agents.inputs",
    "start_run": "runs.folder",
    "RunLogger": "runs.callbacks",
    "SaveWeights": "runs.callbacks",
    "ResumeAt": "runs.callbacks",
    "StepTimes": "runs.callbacks",
    "load_weights": "agents.weights",
    "plot_scores": "measuring.statistics",
    "ProgressBar": "runs.progress",
    "LivePlot": "runs.progress",
    "measure": "measuring.protocol",
    "make_small_screen_game": "game.environment",
    "build_small_pixel_model": "agents.networks",
    "load_agent": "measuring.shipped",
    "watch_game": "watching.live_game",
    "compare": "measuring.statistics",
    "shipped_scores": "measuring.shipped",
    "draw_filters": "watching.filters",
    "WEIGHTS_FOLDER": "measuring.shipped",
    # 06 train on the RAM
    "build_ram_model": "agents.networks",
    "show_invaders": "game.ram",
    "show_bombs": "game.ram",
    "AROUND_CANNON": "game.ram",
    "AROUND_SHOT": "game.ram",
    "BOMB_PLACES": "game.ram",
    "BOMB_HEIGHTS": "game.ram",
    "nb_rows": "game.ram",
    "load_runs": "runs.folder",
    "list_runs": "runs.folder",
    "plot_runs": "runs.plots",
    "compare_settings": "measuring.settings",
    "plot_settings": "measuring.settings",
    "agent_of": "measuring.settings",
    "expected_and_received": "measuring.truth",
    "note_games": "measuring.notes",
    "BothFrames": "watching.film",
    "draw_film_strip": "watching.film",
    "open_tensorboard": "runs.tensorboard",
    # 07 train faster
    "FastDQNAgent": "learning.dqn",
    "ArrayMemory": "learning.memory",
    "Checkpoint": "checkpoints.checkpoint",
    "steps_done": "checkpoints.checkpoint",
    # 08 measure the agents
    "PROTOCOL": "measuring.protocol",
    "LifeAsEpisode": "game.wrappers",
    "ScoreKeeper": "game.wrappers",
    "record_measured_game": "watching.live_game",
    "read_manifest": "measuring.shipped",
    "list_agents": "measuring.shipped",
    "GamePlayer": "watching.player",
    "measure_baselines": "measuring.published",
    "score_table": "measuring.published",
    "plot_table": "measuring.published",
    # 09 change one thing
    "training_log": "measuring.shipped",
    "shipped_seeds": "measuring.shipped",
    # 10 read the RAM
    "poke": "game.poke",
    "ram_in": "game.poke",
    "RAM_MAP": "game.ram_map",
    "precision": "game.ram_map",
}
__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Import a name's module when the name is first used: who only imports ROMs need not wait for TensorFlow."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'helpers' has no {name!r}; expected one of {', '.join(__all__)}. Correct the "
                             "name.")
    return getattr(import_module(f"helpers.{_MODULE_OF[name]}"), name)


def __dir__() -> List[str]:
    return __all__

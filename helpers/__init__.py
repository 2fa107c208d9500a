"""What the notebooks share: each public name and its module, in the order in which the notebooks meet them."""
import logging
import os
from importlib import import_module
from typing import Any, List

# TensorFlow warns at each start that it found no GPU, and later of its own deprecated parts that keras-rl2 uses.
# A reader can do nothing about either. Errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
logging.getLogger("tensorflow").addFilter(lambda record: record.levelno >= logging.ERROR)

_MODULE_OF = {
    # 01 set up
    "version_table": "versions",
    "python_note": "versions",
    # 02 import the ROMs
    "get_roms": "roms",
    "has_space_invaders": "roms",
    # 03 meet the game
    "by_run_length": "runs",
    "make_game": "games",
    "PIXELS": "games",
    "RAM": "games",
    "play_games": "evaluate",
    "random_player": "evaluate",
    "mean_interval": "scores",
    "record_game": "gameplay",
    # 04 train on pixels
    "build_pixel_model": "agents",
    "build_agent": "agents",
    "ScaleAndClip": "agents",
    "start_run": "runs",
    "RunLogger": "training",
    "SaveWeights": "training",
    "ResumeAt": "training",
    "StepTimes": "training",
    "load_weights": "training",
    "plot_scores": "scores",
    "ProgressBar": "progress",
    "LivePlot": "progress",
    # 05 train on the RAM
    "build_ram_model": "agents",
    "show_invaders": "ram_input",
    "show_bombs": "ram_input",
    "AROUND_CANNON": "ram_input",
    "AROUND_SHOT": "ram_input",
    "BOMB_PLACES": "ram_input",
    "BOMB_HEIGHTS": "ram_input",
    "nb_rows": "ram_input",
    "load_agent": "manifest",
    "watch_game": "live_game",
    "shipped_scores": "manifest",
    "compare": "scores",
    "load_runs": "runs",
    "list_runs": "runs",
    "plot_runs": "runs",
    "open_tensorboard": "tensorboard_view",
    # 06 train faster
    "set_threads": "threads",
    "FastDQNAgent": "fast_dqn",
    "ArrayMemory": "array_memory",
    "Checkpoint": "checkpoint",
    "steps_done": "checkpoint",
    "make_small_screen_game": "games",
    "build_small_pixel_model": "agents",
    # 07 measure the agents
    "PROTOCOL": "evaluate",
    "measure": "evaluate",
    "LifeAsEpisode": "games",
    "ScoreKeeper": "games",
    "record_measured_game": "live_game",
    "WEIGHTS_FOLDER": "manifest",
    "read_manifest": "manifest",
    "list_agents": "manifest",
    "training_log": "manifest",
    "shipped_seeds": "manifest",
    "GamePlayer": "player",
    "measure_baselines": "reference_scores",
    "score_table": "reference_scores",
    "plot_table": "reference_scores",
}
__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Import a name's module when the name is first used: who only imports ROMs need not wait for TensorFlow."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'helpers' has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"helpers.{_MODULE_OF[name]}"), name)


def __dir__() -> List[str]:
    return __all__

"""The hyperparameters of all agents: one table that declares them, by which they are checked, explained and stored."""
import json
from difflib import get_close_matches
from inspect import Parameter, signature
from math import inf
from typing import Any, Callable, Dict, Iterable, NamedTuple, Optional, Sequence

from helpers.checks import check_count, check_range
from helpers.game.ram import VIEWS, check_shown


class Hyperparameter(NamedTuple):
    """A row of the table.

    default: the post's, unless `source` names another one's. type: `Optional[float]` may be None, for off. low, high:
    the range of its numbers. acts_in: the "agent" that `build_agent` makes, the "network" or the "training".
    """

    name: str
    default: Any
    type: Any
    low: Optional[float]
    high: Optional[float]
    unit: str
    meaning: str
    source: str = "the post"
    acts_in: str = "agent"

    def __str__(self) -> str:
        """Write a line of help: name, unit, meaning, range, default and its source."""
        kind = {int: "whole, ", Optional[float]: "None or "}.get(self.type, "")
        limits = "" if self.low is None else f"{kind}{self.low} to {self.high:,g}; ".replace(" to inf", " or more")
        return f"{self.name}: {f'{self.unit} {self.meaning}'.strip()} ({limits}default {self.default}, {self.source})"

    def check(self, value: Any) -> Any:
        """Return the value in the type of the table, 1e4 as 10,000 for example.

        Raises:
            ValueError: it is of another type, or out of range.
        """
        if self.type is bool:
            if value is not True and value is not False:
                raise ValueError(f"{self.name} is {value!r}; expected True or False. Choose one of them.")
            return value
        if self.type == Sequence[int]:
            if not isinstance(value, (list, tuple)):
                raise ValueError(f"{self.name} is {value!r}; expected a list of numbers. Write [{value}], for example.")
            return tuple(check_count(self.name, one, self.low, self.high) for one in value)
        if self.type == Sequence[str]:
            return check_shown(value)
        if value is None and self.type == Optional[float]:
            return None
        return (check_count if self.type is int else check_range)(self.name, value, self.low, self.high)


KERAS_RL2, MNIH, STEPS = "keras-rl2's", "Mnih et al. 2015", "agent steps"

HYPERPARAMETERS: Dict[str, Hyperparameter] = {row[0]: Hyperparameter(*row) for row in [
    # name, default, type, low, high, unit, meaning; source of the default, where it acts
    ("window", 3, int, 1, 100, "observations", "that make one state"),
    ("hidden", (512, 128), Sequence[int], 1, 100_000, "neurons", "of a RAM network's layers", "the post", "network"),
    ("shown", (), Sequence[str], None, None, "", f"what else of the RAM is shown, some of {', '.join(VIEWS)}"),
    ("life_as_episode", False, bool, None, None, "", "a lost life ends an episode", "the post", "training"),
    ("replay_limit", 1_000, int, 1, inf, STEPS, "that the replay memory holds"),
    ("warmup_steps", 1_000, int, 1, inf, STEPS, "before the first update"),
    ("epsilon_start", 1.0, float, 0, 1, "", "share of random actions at the start of training"),
    ("epsilon_end", 0.1, float, 0, 1, "", "share of random actions at its end"),
    ("epsilon_steps", 10_000, int, 1, inf, STEPS, "in which it falls linearly"),
    ("epsilon_test", 0.05, float, 0, 1, "", "share of random actions in `agent.test`", MNIH),
    ("target_update", 10_000, int, 1, inf, STEPS, "between two copies into the target network", KERAS_RL2),
    ("learning_rate", 0.00025, float, 1e-9, 1, "", "Adam's"),
    ("learning_rate_end", None, Optional[float], 0, 1, "", "to which it falls linearly, from then on the same",
     "the post", "training"),
    ("learning_rate_steps", 10_000_000, int, 1, inf, STEPS, "in which it falls", "the post", "training"),
    ("adam_epsilon", 1e-7, float, 1e-12, 1, "", "Adam's", "Keras's"),
    ("delta_clip", inf, float, 1e-9, inf, "", "errors beyond it count linearly (Huber); 1 in Mnih et al.", KERAS_RL2),
    ("gamma", 0.99, float, 0, 1, "", "what a point is worth that comes one step later", KERAS_RL2),
    ("batch_size", 32, int, 1, 10_000, "transitions", "for each update", KERAS_RL2),
    ("train_interval", 1, int, 1, inf, STEPS, "for each update; 4 in Mnih et al.", KERAS_RL2),
    ("n_step", 1, int, 1, 100, STEPS, "whose rewards are summed; above 1 needs fast=True", KERAS_RL2),
    ("double", False, bool, None, None, "", "double DQN: see van Hasselt et al. 2016", KERAS_RL2),
    ("observation_scale", None, Optional[float], 1e-9, 1e9, "", "factor on observations, such as 1 / 255"),
    ("reward_clip", None, Optional[float], 1e-9, inf, "points", "to which rewards are clipped, up and down"),
    ("reward_scale", 1.0, float, 1e-9, 1e9, "", "factor on rewards after that; not 1 needs fast=True"),
    ("exact", True, bool, None, None, "", "learn keras-rl2's numbers to the last bit; False is faster on pixels, and "
     "needs fast=True", KERAS_RL2),
]}
"""One row adds a hyperparameter: checked, in every help, and stored with each run. What is left is the line that uses
it: in `build_agent`, in `Recipe` or in `helpers.train`, as its last column says."""

DEFAULTS = {name: row.default for name, row in HYPERPARAMETERS.items()}

OF_AGENT = [name for name, row in HYPERPARAMETERS.items() if row.acts_in == "agent"]
"""What `build_agent` takes."""


def check_hyperparameters(options: Dict[str, Any], known: Iterable[str] = tuple(HYPERPARAMETERS)) -> Dict[str, Any]:
    """Return the values in the types of the table.

    Raises:
        ValueError: a name is not among those `known`, a value is not what its row wants, or some don't fit each other.
    """
    for name in options:
        if name in VIEWS:
            views = json.dumps([view for view in VIEWS if options.get(view)])
            raise ValueError(f"{name} is no hyperparameter of its own; expected it in a list. Write shown={views}.")
        if name not in known:
            nearest = " or ".join(get_close_matches(name, known))
            raise ValueError(f"There is no hyperparameter {name!r} here; expected "
                             f"{nearest or 'one of ' + ', '.join(known)}. Correct the name.")
    checked = {name: HYPERPARAMETERS[name].check(value) for name, value in options.items()}
    values = {**DEFAULTS, **checked}
    needed = values["batch_size"] + values["window"] + values["n_step"]  # so that there are transitions for a batch
    for name, least in (("replay_limit", needed + 1), ("warmup_steps", needed)):
        check_count(name, values[name], least, advice="A batch needs batch_size + window + n_step steps: choose more.")
    return checked


def takes_hyperparameters(function: Callable) -> Callable:
    """Show OF_AGENT in the signature and the docstring of a function that takes them as **options."""
    rows = [HYPERPARAMETERS[name] for name in OF_AGENT]
    own = signature(function)
    options = [Parameter(row.name, Parameter.KEYWORD_ONLY, default=row.default, annotation=row.type) for row in rows]
    function.__signature__ = own.replace(parameters=[*list(own.parameters.values())[:-1], *options])
    if function.__doc__:  # none under python -OO
        function.__doc__ = function.__doc__.replace("**options: hyperparameters", "\n        ".join(map(str, rows)))
    return function


def todays_names(stored: Dict[str, Any]) -> Dict[str, Any]:
    """Return what a run, a manifest or a checkpoint's processor stored, with the names of earlier versions replaced."""
    stored, places = dict(stored), ["positions", "invaders", "bombs"]
    switches = stored.pop("switches", stored)  # of a processor
    was = [name for name in ("bits", *places) if name in switches]
    if was:
        stored["shown"] = [name for name in was if switches[name]]
    if "show_places" in stored:  # of notebook 06, which said nothing of its network and its two numbers
        shown = places if stored.pop("show_places") else []
        stored.update(network="RAM", observation_scale=1 / 255, reward_clip=1.0, shown=shown)
    if "replay" in stored:
        stored["replay_limit"] = stored.pop("replay")
    return {name: value for name, value in stored.items() if name not in VIEWS}

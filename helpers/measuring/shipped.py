"""The trained agents that ship in weights/: MANIFEST.json says how each was made, what it scores, and its SHA-256."""
import hashlib
import json
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

import pandas as pd

from helpers.agents.recipes import Recipe, recorded_name, recorded_recipe
from helpers.files import PROJECT, write_whole
from helpers.learning.threads import set_threads
from helpers.measuring.protocol import Measurement
from helpers.runs.folder import read_hyperparameters

WEIGHTS_FOLDER = PROJECT / "weights"

FIELDS = ("agent", "weights", "sha256", "log", "command", "commit", "seed", "seeds", "env_id", "hyperparameters",
          "steps", "wall_seconds", "scores")
"""What an entry of MANIFEST.json says.

agent: its name in `helpers.agents.recipes`; weights and log: file names in the folder; weights and sha256 are null for
weights too large to ship; command: makes the file, at that commit; commit: of the code that trained it, with a + if it
was changed; seed: of the training that is shipped; seeds: of all trainings that were made, each with its measurement;
hyperparameters: of the training, as its run's hyperparameters.json has them; steps: agent steps; wall_seconds: of
training; scores: measurements (see `Measurement.summary`), one for each epsilon.
"""


def read_manifest(folder: Optional[Path] = None) -> Dict[str, Dict[str, Any]]:
    """Read the entries of MANIFEST.json, by name; empty where there is none.

    Raises:
        ValueError: the file is damaged, or an entry lacks a field.
    """
    path = Path(folder or WEIGHTS_FOLDER) / "MANIFEST.json"
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        missing = {name: [field for field in FIELDS if field not in entry] for name, entry in entries.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is no manifest ({error}); expected a JSON object with an entry for each agent. Take "
                         "it from the repository again.") from None
    for name, fields in missing.items():
        if fields:
            raise ValueError(f"The entry {name!r} of {path} lacks {', '.join(fields)}; expected all of "
                             f"{', '.join(FIELDS)}. Make it again with add_entry.")
    return entries


def _write_manifest(folder: Path, entries: Dict[str, Dict[str, Any]]) -> None:
    """Write what `read_manifest` reads, a list of numbers on one line."""
    text = re.sub(r"\[[\d\s.,-]+\]", lambda numbers: " ".join(numbers.group().split()), json.dumps(entries, indent=1))
    write_whole(folder / "MANIFEST.json", f"{text}\n".encode())


def list_agents(folder: Optional[Path] = None) -> List[str]:
    """List the names of the agents whose weights are there to play with."""
    return [name for name, entry in read_manifest(folder).items() if entry["weights"]]


def sha256(path: Path) -> str:
    """Return the file's fingerprint, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def check_weights(name: str, folder: Optional[Path] = None) -> Path:
    """Find the weights file of the entry `name`, and compare it with the manifest.

    Raises:
        ValueError: there is no such entry, or the file is not the one that was measured.
        FileNotFoundError: the weights do not ship, or the file is missing.
    """
    folder, entry = Path(folder or WEIGHTS_FOLDER), _entry(name, folder)
    if not entry["weights"]:
        raise FileNotFoundError(f"The weights of {name} are too large to ship; expected some of your own. Make them "
                                f"with `{entry['command']}`.")
    path = folder / entry["weights"]
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; expected the weights of {name}. Take the file from the "
                                f"repository, or make it with `{entry['command']}`.")
    found = sha256(path)
    if found != entry["sha256"]:
        raise ValueError(f"{path} has SHA-256 {found[:12]}…; expected {entry['sha256'][:12]}…, of the file that was "
                         "measured. Take it from the repository again; a file of your own belongs into runs/.")
    return path


def load_agent(name: str, folder: Optional[Path] = None) -> Any:
    """Load the shipped agent `name`, ready to play: `agent.test`, `play_games`, `record_game` or `measure`.

    Raises:
        ValueError, FileNotFoundError: as `check_weights`, or the file holds another network's weights.
    """
    path = check_weights(name, folder)
    return build_and_load(shipped_recipe(name, folder), path)


def shipped_recipe(name: str, folder: Optional[Path] = None) -> Recipe:
    """Return the recipe by which the shipped agent `name` was trained.

    Raises:
        ValueError: there is no such entry.
    """
    entry = _entry(name, folder)
    return recorded_recipe({**entry["hyperparameters"], "agent": entry["agent"]})


def build_and_load(made: Recipe, weights: Path) -> Any:
    """Build the agent of this recipe and load its weights.

    Raises:
        ValueError: these are another network's or game's weights.
    """
    from helpers.agents.build import build_by_recipe  # not before: who misspelt a name need not wait for TensorFlow
    from helpers.agents.weights import load_weights

    agent = build_by_recipe(made)
    load_weights(agent, weights, made.make_env())
    return agent


def build_to_measure(made: Recipe, weights: Path) -> Any:
    """Do as `build_and_load`, with one thread, unless TensorFlow began with another number: it rounds differently.

    Raises:
        ValueError: these are another network's or game's weights.
    """
    with suppress(RuntimeError):
        set_threads(1)
    return build_and_load(made, weights)


class Found(NamedTuple):
    """What is known of a weights file: its agent's name, or its network's; its recipe; its own name in the manifest."""

    weights: Path
    agent: Optional[str] = None
    recipe: Optional[Recipe] = None
    entry: Optional[str] = None

    @property
    def name(self) -> str:
        """What to call it in a table."""
        return self.entry or f"{self.agent} ({self.weights})"


def identify(weights: Path) -> Found:
    """Find out which agent a weights file is of, by the MANIFEST.json or the run's hyperparameters.json beside it.

    Raises:
        ValueError: the manifest names the file, but with another SHA-256; or the run's settings are damaged.
    """
    folder = Path(weights).parent
    for name, entry in read_manifest(folder).items():
        if entry["weights"] == Path(weights).name:
            check_weights(name, folder)
            return Found(weights, entry["agent"], shipped_recipe(name, folder), name)
    hyperparameters = read_hyperparameters(folder) if (folder / "hyperparameters.json").exists() else {}
    name = recorded_name(hyperparameters)
    return Found(weights, name, recorded_recipe(hyperparameters) if name else None)


def shipped_seeds(name: str, folder: Optional[Path] = None) -> List[int]:
    """Return the seeds of all trainings of the agent `name` that were made and measured; one of them is shipped.

    Raises:
        ValueError: there is no such entry.
    """
    return sorted(map(int, _entry(name, folder)["seeds"]))


def shipped_scores(name: str, folder: Optional[Path] = None, seed: Optional[int] = None) -> List[Measurement]:
    """Return the measurements that the manifest holds for the agent `name`, one for each epsilon.

    Args:
        seed: of a training in `shipped_seeds`; None for the one that is shipped.

    Raises:
        ValueError: there is no such entry, or no training with this seed.
    """
    entry = _entry(name, folder, seed)
    return [Measurement.from_summary(one) for one in (entry["scores"] if seed is None else entry["seeds"][str(seed)])]


def training_log(name: str, folder: Optional[Path] = None, seed: Optional[int] = None) -> pd.DataFrame:
    """Read a row for each game of the shipped agent's training; see `helpers.runs.folder.EPISODE_COLUMNS`.

    Args:
        seed: of a training in `shipped_seeds`; None for the one that is shipped.

    Raises:
        ValueError: there is no such entry, or no training with this seed.
    """
    entry = _entry(name, folder, seed)
    log = entry["log"] if seed in (None, entry["seed"]) else log_of(name, seed)
    return pd.read_csv(Path(folder or WEIGHTS_FOLDER) / log)


def log_of(name: str, seed: int) -> str:
    """Return the file name of the log of a training that was made, but does not ship."""
    return f"{name}-seed{seed}.csv"


def _entry(name: str, folder: Optional[Path], seed: Optional[int] = None) -> Dict[str, Any]:
    entries = read_manifest(folder)
    if name not in entries:
        raise ValueError(f"{Path(folder or WEIGHTS_FOLDER) / 'MANIFEST.json'} has no agent {name!r}; expected one of "
                         f"{', '.join(entries) or 'none yet'}. Choose another.")
    entry = entries[name]
    if seed is not None and str(seed) not in entry["seeds"]:
        raise ValueError(f"{name} was not trained with seed {seed}; expected one of "
                         f"{', '.join(map(str, shipped_seeds(name, folder)))}. Choose another.")
    return entry


def add_entry(name: str, weights: Optional[Path], log: Path, measurements: Iterable[Measurement],
              folder: Optional[Path] = None, **fields: Any) -> None:
    """Copy an agent's weights and training log into the folder as NAME.h5 and NAME.csv, and write its entry.

    Args:
        name: of the entry; an older one of this name is replaced.
        weights: None if they are too large to ship.
        log: the run's episodes.csv.
        measurements: one for each epsilon.
        fields: the rest of FIELDS.

    Raises:
        ValueError: a field is missing or unknown.
    """
    given = {"weights", "sha256", "log", "scores"}
    if set(fields) != set(FIELDS) - given:
        raise ValueError(f"Received the fields {', '.join(sorted(fields))}; expected "
                         f"{', '.join(field for field in FIELDS if field not in given)}. Give exactly these.")
    folder = Path(folder or WEIGHTS_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    entries = read_manifest(folder)
    fields["weights"] = _copy(weights, folder / f"{name}.h5") if weights else None
    fields["sha256"] = sha256(folder / fields["weights"]) if weights else None
    fields["log"] = _copy(log, folder / f"{name}.csv")
    fields["scores"] = [measurement.summary() for measurement in measurements]
    _write_manifest(folder, {**entries, name: {field: fields[field] for field in FIELDS}})


def _copy(source: Path, target: Path) -> str:
    if Path(source).resolve() != target.resolve():
        shutil.copyfile(str(source), str(target))
    return target.name

"""Change bytes of a game's memory, to see what they do."""
import re
from typing import Any, Dict, Optional

import numpy as np

from helpers.checks import check_count
from helpers.game.environment import game_of

RAM_BEGINS = b"M6532" + (128).to_bytes(4, "little")
"""What stands before the memory in a stored state: the name of the chip that holds it, and its number of bytes."""


def ram_in(state: np.ndarray) -> np.ndarray:
    """Return the 128 bytes of memory inside a state of the emulator, int32 [128]; what is written there changes it.

    Raises:
        ValueError: it is no state that `env.unwrapped.clone_full_state()` returned.
    """
    start = state.tobytes().find(RAM_BEGINS) if isinstance(state, np.ndarray) and state.dtype == np.uint8 else -1
    if start < 0:
        raise ValueError(f"state is {type(state).__name__}; expected what env.unwrapped.clone_full_state() returns. "
                         "Take the state from there.")
    start += len(RAM_BEGINS)
    return state[start:start + 4 * 128].view("<i4")  # the emulator stores each byte in four


def poke(env: Any, state: np.ndarray, changes: Dict[int, int]) -> None:
    """Put a game back to a state, with some bytes of its memory changed.

    Screen and `getRAM` show it only after the next frame.

    Args:
        env: an Atari game.
        state: what `env.unwrapped.clone_full_state()` returned; it stays as it is.
        changes: the new value, 0 to 255, of each byte, 0 to 127, that changes.

    Raises:
        ValueError: a byte or a value is out of its range, the state is of another game, or `env` is no Atari game.
    """
    if game_of(env) is None:
        raise ValueError(f"env is {env}; expected an Atari game. Make one with make_game.")
    state = np.array(state)
    ram = ram_in(state)
    for byte, value in changes.items():
        byte = check_count("byte", byte, 0, 127, "Choose one of the console's 128 bytes.")
        ram[byte] = check_count(f"The value of byte {byte}", value, 0, 255, "Choose what fits into eight bits.")
    own, received = _rom_of(env.unwrapped.clone_full_state()), _rom_of(state)
    if received != own:  # the emulator would crash
        raise ValueError(f"The state is of a ROM with MD5 {received}, but this game's has {own}; expected the same. "
                         f"Take the state from {game_of(env)} itself.")
    env.unwrapped.restore_full_state(state)


def _rom_of(state: np.ndarray) -> Optional[str]:
    found = re.search(rb"[0-9a-f]{32}", state.tobytes())
    return found and found.group().decode()

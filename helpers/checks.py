"""What is checked of a number that a reader chose."""
import operator
from typing import Any


def check_range(name: str, value: float, low: float, high: float, advice: str = "Choose another.") -> None:
    """Refuse what is not in a range, or no number.

    Raises:
        ValueError: with the name, the value, what was expected, and the advice.
    """
    if not low <= value <= high:  # written so that NaN is refused too
        raise ValueError(f"{name} is {value}; expected {low} to {high:,}. {advice}")


def check_seed(seed: Any, name: str = "seed") -> None:
    """Refuse what NumPy, `random`, TensorFlow and the emulator do not all take as a seed.

    Raises:
        ValueError: it is not a whole number from 0 to 2**32 - 1.
    """
    try:
        valid = 0 <= operator.index(seed) < 2**32
    except TypeError:
        valid = False
    if not valid:
        raise ValueError(f"{name} is {seed!r}; expected a whole number from 0 to {2**32 - 1:,}. Choose another.")

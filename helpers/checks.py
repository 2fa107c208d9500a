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


def check_seed(seed: Any, name: str = "seed") -> int:
    """Refuse what NumPy, `random`, TensorFlow and the emulator do not all take as a seed; return it as Python's int.

    Raises:
        ValueError: it is not a whole number from 0 to 2**32 - 1.
    """
    try:
        number = operator.index(seed)  # gym refuses NumPy's whole numbers
    except TypeError:
        number = -1
    if not 0 <= number < 2**32:
        raise ValueError(f"{name} is {seed!r}; expected a whole number from 0 to {2**32 - 1:,}. Choose another.")
    return number

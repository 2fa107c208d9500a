"""What is checked of a number that a reader chose."""


def check_range(name: str, value: float, low: float, high: float, advice: str = "Choose another.") -> None:
    """Refuse what is not in a range, or no number.

    Raises:
        ValueError: with the name, the value, what was expected, and the advice.
    """
    if not low <= value <= high:  # written so that NaN is refused too
        raise ValueError(f"{name} is {value}; expected {low} to {high:,}. {advice}")

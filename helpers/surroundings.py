"""What a shell can have exported that spoils the notebooks; for who starts Lab or Python without make."""
import os
import sys

INLINE = "module://matplotlib_inline.backend_inline"


def check(optimize: int = sys.flags.optimize, prefix: str = sys.prefix) -> None:
    """Refuse a Python in which TensorFlow can't be imported, whose own words would not say why.

    Args:
        optimize: Python's level of optimisation, 0 to 2.
        prefix: the folder of Python's environment.

    Raises:
        RuntimeError: with what to set.
    """
    if optimize > 1:
        raise RuntimeError("Python runs with PYTHONOPTIMIZE=2 or -OO; expected less, because that takes away the "
                           "docstrings, which TensorFlow reads. Unset PYTHONOPTIMIZE and start Python again.")
    try:
        prefix.encode("utf-8")
    except UnicodeEncodeError:
        raise RuntimeError(f"Python misread the name of its folder, {prefix!a}, because the terminal's language is "
                           "C; expected one with UTF-8, or TensorFlow does not load. Set LC_ALL=C.UTF-8 and start "
                           "Python or Lab again.") from None


def draw_in_notebook() -> None:
    """Let Matplotlib draw in the notebook, if there is one, whatever MPLBACKEND says: else no figure would appear."""
    shell = "IPython" in sys.modules and sys.modules["IPython"].get_ipython()
    if hasattr(shell, "kernel") and os.environ.get("MPLBACKEND") != INLINE:
        os.environ["MPLBACKEND"] = INLINE
        if "matplotlib" in sys.modules:  # it has chosen already
            shell.enable_matplotlib("inline")

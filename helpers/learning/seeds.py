"""Where random numbers come from."""
import random
from typing import Any

import numpy as np

from helpers.checks import check_seed


def set_seeds(seed: Any) -> None:
    """Begin the random numbers of a training anew, so that the same cell gives the same result.

    Python's: the replay memory draws with them. NumPy's: the policy. TensorFlow's: a network's first weights. A game
    has its own, which `make_game(seed=...)` sets.

    Args:
        seed: 0 to 2**32 - 1.

    Raises:
        ValueError: it is something else.
    """
    # imported here, so that a reader who only imports helpers does not wait for TensorFlow
    import tensorflow as tf

    seed = check_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)

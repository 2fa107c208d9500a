"""One call seeds all that a training draws from, and refuses what one of them would not take."""
import random

import numpy as np
import pytest
import tensorflow as tf

from helpers.learning.seeds import set_seeds


def draw():
    tf.keras.backend.clear_session()
    set_seeds(7)
    weights = tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(2,))]).get_weights()[0]
    return random.random(), np.random.random(), weights.tolist()


def test_the_same_seed_draws_the_same():
    assert draw() == draw()


@pytest.mark.parametrize("seed", [2**40, -1, 1.5, "one", None])
def test_what_is_no_seed_is_refused_before_anything_is_seeded(seed):
    before = random.getstate()
    with pytest.raises(ValueError, match="seed is .*; expected 0 to 4,294,967,295, a whole number"):
        set_seeds(seed)
    assert random.getstate() == before

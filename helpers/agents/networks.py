"""Networks: the post's two, on the screen and on the RAM, and a smaller one on 84x84 pixels."""
from typing import Sequence, Tuple

import rl.agents  # noqa: F401  first: it switches eager execution off, and a model built before that crashes later
from tensorflow.keras.layers import Conv2D, Dense, Flatten, Permute
from tensorflow.keras.models import Sequential

from helpers.agents.hyperparameters import HYPERPARAMETERS
from helpers.game.wrappers import SMALL_SCREEN


def build_pixel_model(screen_shape: Tuple[int, int, int], nb_actions: int, window: int = 3) -> Sequential:
    """Build the post's network for the screen: (window, height, width, channels) to one Q-value for each action.

    With window 3, the screen's (210, 160, 3) and 6 actions it has 34,812,326 weights, before `DQNAgent` puts its
    dueling heads in the place of the last layer.

    Raises:
        ValueError: `window` is below 1, or not whole.
    """
    window = HYPERPARAMETERS["window"].check(window)
    return Sequential([
        Conv2D(32, (8, 8), strides=(4, 4), activation="relu", input_shape=(window, *screen_shape)),
        Conv2D(64, (4, 4), strides=(2, 2), activation="relu"),
        Conv2D(64, (3, 3), activation="relu"),
        Flatten(),
        Dense(512, activation="relu"),
        Dense(256, activation="relu"),
        Dense(nb_actions, activation="linear"),
    ])


def build_small_pixel_model(nb_actions: int, window: int = 4) -> Sequential:
    """Build the network for `make_small_screen_game`: (window, 84, 84) to one Q-value for each action.

    With window 4 and 6 actions it has 1,687,206 weights, a twentieth of `build_pixel_model`'s, and 1,687,719 after
    `DQNAgent` puts its dueling heads in the place of the last layer.

    Raises:
        ValueError: `window` is below 1, or not whole.
    Source:
        Mnih et al. 2015, "Model architecture".
    """
    window = HYPERPARAMETERS["window"].check(window)
    return Sequential([
        # the screens of a state become channels, which TensorFlow on a CPU wants last
        Permute((2, 3, 1), input_shape=(window, *SMALL_SCREEN)),
        Conv2D(32, (8, 8), strides=(4, 4), activation="relu"),
        Conv2D(64, (4, 4), strides=(2, 2), activation="relu"),
        Conv2D(64, (3, 3), activation="relu"),
        Flatten(),
        Dense(512, activation="relu"),
        Dense(nb_actions, activation="linear"),
    ])


def build_ram_model(nb_bytes: int, nb_actions: int, window: int = 3,
                    hidden: Sequence[int] = (512, 128)) -> Sequential:
    """Build the post's network for the RAM: (window, nb_bytes) to one Q-value for each action.

    With window 3, 128 bytes and 6 actions it has 263,558 weights, before `DQNAgent` puts its dueling heads in the
    place of the last layer. `hidden` are the sizes of the layers in between. For an agent with `shown`, rows come
    before the window's: pass what `helpers.game.ram.nb_rows` returns.

    Raises:
        ValueError: `window` or a size is below 1, or not whole.
    """
    window, hidden = HYPERPARAMETERS["window"].check(window), HYPERPARAMETERS["hidden"].check(hidden)
    return Sequential([
        Flatten(input_shape=(window, nb_bytes)),
        *[Dense(units, activation="relu") for units in hidden],
        Dense(nb_actions, activation="linear"),
    ])

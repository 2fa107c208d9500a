"""A DQN agent that learns how the return spreads, not only its mean: quantile regression (QR-DQN)."""
from typing import Any, List, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Dense, GlobalAveragePooling1D, Lambda, Reshape
from tensorflow.keras.models import Model

from helpers.learning.dqn import FastDQNAgent
from helpers.learning.graph import batch_inputs, make_callable

LAYER = "quantiles"


def with_quantiles(model: Model, nb_actions: int, nb_quantiles: int) -> Model:
    """The model with another end: its last layer gives way to `nb_quantiles` numbers for each action, and their mean.

    The outputs are still Q-values [B, nb_actions]; the layer "quantiles" has [B, nb_actions, nb_quantiles]. It has
    dueling heads, as Hessel et al. 2018 (Rainbow): a quantile is the state's plus the action's less the actions' mean.
    """
    heads = Reshape((1 + nb_actions, nb_quantiles))(Dense((1 + nb_actions) * nb_quantiles)(model.layers[-2].output))
    quantiles = Lambda(lambda x: x[:, :1] + x[:, 1:] - tf.reduce_mean(x[:, 1:], axis=1, keepdims=True), name=LAYER)(
        heads)
    return Model(model.inputs, GlobalAveragePooling1D(data_format="channels_first")(quantiles))


class QuantileDQNAgent(FastDQNAgent):
    """`FastDQNAgent` whose network was made by `with_quantiles`.

    For each action it learns N numbers: a return that is exceeded with probability 1 - 1/2N, 1 - 3/2N, and so on. It
    acts on their mean, as other DQN agents do on their only number. Double DQN and n-step returns work; soft target
    updates and `delta_clip` do not (the loss has its own linear part, beyond errors of 1), and the dueling heads are
    `with_quantiles`' own.

    Source: Dabney et al. 2018, Distributional Reinforcement Learning with Quantile Regression.
    """

    def __init__(self, *args: Any, enable_dueling_network: bool = False, target_model_update: float = 10_000,
                 delta_clip: float = np.inf, **kwargs: Any):
        if enable_dueling_network or target_model_update < 1 or delta_clip != np.inf:
            raise ValueError(f"Received enable_dueling_network={enable_dueling_network}, target_model_update="
                             f"{target_model_update} and delta_clip={delta_clip}; expected False, at least 1 and "
                             "infinity. Leave keras-rl2's dueling heads and clipping out, and copy the target network "
                             "every so many steps.")
        super().__init__(*args, target_model_update=target_model_update, **kwargs)

    def compile(self, optimizer: Any, metrics: Sequence[Any] = ()) -> None:
        """As `FastDQNAgent.compile`; the metrics are always the mean absolute error and the mean Q-value."""
        super().compile(optimizer, metrics=["mae"])

    def learn_function(self) -> Any:
        """As `helpers.learning.graph.learn_function`; it returns loss, mean absolute error and mean Q-value."""
        online, target = (Model(model.inputs, model.get_layer(LAYER).output)
                          for model in (self.model, self.target_model))
        fed, state0, state1, action, reward, going_on = batch_inputs(self)

        following = target(state1)
        best = tf.argmax(tf.reduce_mean(online(state1) if self.enable_double_dqn else following, axis=2), axis=1)
        following = tf.gather(following, best, axis=1, batch_dims=1)
        going_on32, points = tf.cast(going_on, tf.float32), tf.cast(self.reward_scale * reward, tf.float32)
        returns = tf.stop_gradient(points[:, None] + self.gamma**self.n_step * going_on32[:, None] * following)
        quantiles = online(state0)
        predicted = tf.gather(quantiles, action, axis=1, batch_dims=1)
        results: List[tf.Tensor] = [
            quantile_loss(predicted, returns),
            tf.reduce_mean(tf.abs(tf.reduce_mean(returns, axis=1) - tf.reduce_mean(predicted, axis=1))),
            tf.reduce_mean(tf.reduce_max(tf.reduce_mean(quantiles, axis=2), axis=1)),
        ]
        with tf.control_dependencies(results):  # what was true before the update
            updates = self.trainable_model.optimizer.get_updates(results[0], online.trainable_weights)
        return make_callable(fed, results, updates, [])


def quantile_loss(predicted: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Quantile regression with Huber's loss: predicted [B, N] and target [B, M] to a scalar.

    Source: Dabney et al. 2018, equation 10, with kappa 1.
    """
    nb_quantiles = predicted.shape[1]
    middle = (tf.range(nb_quantiles, dtype=tf.float32) + 0.5) / nb_quantiles
    error = target[:, None, :] - predicted[:, :, None]
    size = tf.abs(error)
    huber = tf.where(size <= 1, 0.5 * error**2, size - 0.5)
    weight = tf.abs(middle[None, :, None] - tf.cast(error < 0, tf.float32))
    return tf.reduce_mean(tf.reduce_sum(tf.reduce_mean(weight * huber, axis=2), axis=1))

"""Acting and learning as one TensorFlow call each."""
from typing import Any, Callable, List, Sequence, Tuple

import tensorflow as tf
from rl.agents import DQNAgent
from rl.util import get_soft_target_model_updates
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow.python.keras import backend


def make_callable(inputs: Sequence[tf.Tensor], outputs: Sequence[tf.Tensor], updates: Sequence[Any],
                  connections: Sequence[Tuple[tf.Tensor, tf.Tensor]], in_callers_thread: bool = False) -> Callable:
    """Make a function of arrays that runs part of the graph, with a tenth of `Model.predict_on_batch`'s overhead.

    Args:
        inputs: what the function's arguments are fed to; dtypes must match exactly.
        outputs: what it returns.
        updates: operations that must run as well.
        connections: pairs of a placeholder and the tensor that takes its place.
        in_callers_thread: whether to compute in the thread that calls, one operation after the other.
    """
    options = CallableOptions()
    options.feed.extend(x.name for x in inputs)
    options.fetch.extend(x.name for x in outputs)
    options.target.extend(x.name for x in updates)
    for placeholder, value in connections:
        options.tensor_connection.add(from_tensor=value.name, to_tensor=placeholder.name)
    if in_callers_thread:
        options.run_options.inter_op_thread_pool = -1
    return backend.get_session()._make_callable_from_options(options)


def scaled_inputs(agent: DQNAgent) -> Tuple[List[tf.Tensor], List[tf.Tensor]]:
    """Make placeholders for states, and what the network shall see of them: two lists of tensors."""
    fed = [tf.compat.v1.placeholder(x.dtype, x.shape) for x in agent.model.inputs]
    if agent.observation_scale is None:
        return fed, [tf.identity(x) for x in fed]
    return fed, [x * agent.observation_scale for x in fed]


def act_function(agent: DQNAgent) -> Callable:
    """Make a function from states [B, ...] to a list of one array: Q values [B, nb_actions], float32."""
    agent.model._make_predict_function()
    predict = agent.model.predict_function
    fed, seen = scaled_inputs(agent)
    # the thread that asks computes: for so small a job, waking another one takes as long as the job
    return make_callable(fed, predict.outputs, [predict.updates_op], list(zip(predict.inputs, seen)),
                         in_callers_thread=True)


def learn_function(agent: DQNAgent) -> Callable:
    """Make a function that does one update and returns loss and metrics; it takes what `draw_batch` makes.

    It runs the very graph that `train_on_batch` runs, with the target computed inside instead of
    in NumPy (in the same order and dtypes), and with the metrics set back to zero in the same call.
    """
    model = agent.trainable_model
    model._make_train_function()
    train = model.train_function
    (fed0, state0), (fed1, state1) = scaled_inputs(agent), scaled_inputs(agent)
    # [B] each; going_on is 1 where the game goes on after the step, else 0
    values = [tf.compat.v1.placeholder(dtype, (None,)) for dtype in (tf.int64, tf.float64, tf.float64)]
    action, reward, going_on = values

    q1 = agent.target_model(state1, training=False)
    if agent.enable_double_dqn:
        best = tf.argmax(agent.model(state1, training=False), axis=1)
        q1 = tf.gather(q1, best, axis=1, batch_dims=1)
    else:
        q1 = tf.reduce_max(q1, axis=1)
    discounted = tf.cast(agent.gamma ** agent.n_step * q1, tf.float64) * going_on
    target = tf.cast(agent.reward_scale * reward + discounted, tf.float32)
    mask = tf.one_hot(action, agent.nb_actions)
    targets = tf.where(mask > 0, target[:, None], tf.zeros_like(mask))

    # inputs of the model, its targets (the first is never looked at), and Keras's learning phase
    connections = list(zip(train.inputs, [*state0, targets, mask, target, targets, tf.constant(True)]))
    # outputs 1 and 2 are losses of the single outputs, which keras-rl2 throws away
    results = [train.outputs[0]] + train.outputs[3:]
    with tf.control_dependencies(results):
        after = [variable.assign(tf.zeros(variable.shape, variable.dtype))
                 for metric in model.metrics for variable in metric.variables]
    if agent.target_model_update < 1:
        with tf.control_dependencies([train.updates_op]):
            after += [weights.assign(value) for weights, value in get_soft_target_model_updates(
                agent.target_model, agent.model, agent.target_model_update)]
    return make_callable(fed0 + fed1 + values, results,
                         [train.updates_op] + [assign.op for assign in after], connections)

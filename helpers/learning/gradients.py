"""Gradients of convolutions and dense layers with their sums in another order: the same mathematics, in less time.

TensorFlow 2.3's own operations for them leave most of a processor idle. These give the same numbers but for the last
digits, so an agent that learns by them does not follow keras-rl2's bit for bit.
"""
from typing import List

import tensorflow as tf
from tensorflow.keras.layers import Input
from tensorflow.keras.models import Model
from tensorflow.python.framework import ops

CONVOLUTION, PRODUCT = "Conv2DAsDilatedConvolution", "MatMulTransposedAfter"


def _tensorflows_own(op: tf.Operation, error: tf.Tensor) -> List[tf.Tensor]:
    return list(ops._gradient_registry.lookup(op.type)(op, error))


@tf.RegisterGradient(CONVOLUTION)
def convolution_gradient(op: tf.Operation, error: tf.Tensor) -> List[tf.Tensor]:
    """Return the gradients of a convolution's inputs and of its kernel, the latter as a convolution with the error.

    A weight's gradient is the sum of input times error over all states and positions. With channels and states in each
    other's place, this is a convolution again: its kernel is the error, spread out by the stride.

    Args:
        op: the convolution, from [B, H, W, C] and [h, w, C, F] to [B, rows, columns, F]. One with padding, dilation or
            another layout keeps TensorFlow's own gradients.
        error: [B, rows, columns, F], the gradient of what it returned.
    """
    inputs, kernel = op.inputs
    to_inputs, to_kernel = _tensorflows_own(op, error)
    (_, down, across, _), known = op.get_attr("strides"), kernel.shape.is_fully_defined()
    plain = (op.get_attr("padding"), op.get_attr("data_format")) == (b"VALID", b"NHWC")
    if not (plain and known and op.get_attr("dilations") == [1, 1, 1, 1] and None not in error.shape[1:]):
        return [to_inputs, to_kernel]
    height, width = (int(size) for size in kernel.shape[:2])
    rows, columns = (int(size) for size in error.shape[1:3])
    seen = inputs[:, :(rows - 1) * down + height, :(columns - 1) * across + width]  # what the kernel reached
    summed = tf.nn.conv2d(tf.transpose(seen, [3, 1, 2, 0]), tf.transpose(error, [1, 2, 0, 3]), 1, "VALID",
                          dilations=[down, across])
    return [to_inputs, tf.transpose(summed, [1, 2, 0, 3])]


@tf.RegisterGradient(PRODUCT)
def product_gradient(op: tf.Operation, error: tf.Tensor) -> List[tf.Tensor]:
    """Return the gradients of a dense layer's inputs and of its weights, the former as a product transposed after.

    Args:
        op: the product of [B, N] and [N, M]. One that transposes a factor keeps TensorFlow's own gradients.
        error: [B, M], the gradient of what it returned.
    """
    to_inputs, to_weights = _tensorflows_own(op, error)
    if op.get_attr("transpose_a") or op.get_attr("transpose_b"):
        return [to_inputs, to_weights]
    return [tf.transpose(tf.matmul(op.inputs[1], error, transpose_b=True)), to_weights]


def with_faster_gradients(model: Model) -> Model:
    """Return a model with the same layers and weights, whose gradients are those of this module."""
    inputs = [Input(batch_shape=x.shape, dtype=x.dtype) for x in model.inputs]
    with tf.compat.v1.get_default_graph().gradient_override_map({"Conv2D": CONVOLUTION, "MatMul": PRODUCT}):
        return Model(inputs, model(inputs))

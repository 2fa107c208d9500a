"""Why an update of a pixel network can't be made much faster: its parts, and other ways to compute them.

python -m benchmarks.kernels [THREADS]    (a minute; default: as many threads as there are cores)

Each part of an update is one TensorFlow operation. For each the table gives milliseconds, what share of the
processor's peak they make, and the same for other ways to get the same numbers.
"""
import os
import sys
import time
from typing import Callable, Dict, List, Tuple

import tensorflow as tf

import helpers  # noqa: F401  first: it also quiets TensorFlow

v1 = tf.compat.v1
Ways = Dict[str, tf.Tensor]

# height, width, channels of the input; size, filters, stride of the convolution
NETWORKS = {
    "the post's screens": (96, [(210, 160, 3, 8, 32, 4), (51, 39, 32, 4, 64, 2), (24, 18, 64, 3, 64, 1)], 67_584),
    "84x84": (32, [(84, 84, 4, 8, 32, 4), (20, 20, 32, 4, 64, 2), (9, 9, 64, 3, 64, 1)], 3_136),
}


def variable(*shape: int) -> tf.Tensor:
    """Random numbers that stay in place: a constant would be folded into the graph."""
    with v1.variable_scope(None, default_name="numbers"):
        return v1.get_variable("x", shape, initializer=v1.random_normal_initializer(), use_resource=True).read_value()


def convolution(batch: int, height: int, width: int, channels: int, size: int, filters: int,
                stride: int) -> Tuple[float, Dict[str, Ways]]:
    """GFLOP of one pass, and the three passes of a convolution, each in several ways; the first is TensorFlow's."""
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    x, kernel = variable(batch, height, width, channels), variable(size, size, channels, filters)
    error = variable(batch, rows, columns, filters)
    patches = tf.reshape(tf.image.extract_patches(x, [1, size, size, 1], [1, stride, stride, 1], [1] * 4, "VALID"),
                         [-1, size * size * channels])
    used = x[:, :(rows - 1) * stride + size, :(columns - 1) * stride + size]
    as_convolution = tf.nn.conv2d(tf.transpose(used, [3, 1, 2, 0]), tf.transpose(error, [1, 2, 0, 3]), 1, "VALID",
                                  dilations=stride)
    parts = [v1.nn.conv2d_backprop_filter(some_x, kernel.shape, some_error, [1, stride, stride, 1], "VALID")
             for some_x, some_error in zip(tf.split(x, 4), tf.split(error, 4))]
    gflop = 2 * batch * rows * columns * size * size * channels * filters / 1e9
    return gflop, {
        "forward": {
            "": tf.nn.conv2d(x, kernel, stride, "VALID"),
            "patches, then a product": tf.matmul(patches, tf.reshape(kernel, [-1, filters]))},
        "to the weights": {
            "": v1.nn.conv2d_backprop_filter(x, kernel.shape, error, [1, stride, stride, 1], "VALID"),
            "patches, then a product": tf.matmul(patches, tf.reshape(error, [-1, filters]), transpose_a=True),
            "as a dilated convolution": tf.transpose(as_convolution[:, :size, :size], [1, 2, 0, 3]),
            "a quarter of the batch at a time": tf.add_n(parts)},
        "to the inputs": {
            "": v1.nn.conv2d_backprop_input([batch, height, width, channels], kernel, error, [1, stride, stride, 1],
                                            "VALID")},
    }


def dense(nb_inputs: int, nb_outputs: int = 512, batch: int = 32) -> Tuple[float, Dict[str, Ways]]:
    """As `convolution`, for a dense layer."""
    x, weights, error = variable(batch, nb_inputs), variable(nb_inputs, nb_outputs), variable(batch, nb_outputs)
    return 2 * batch * nb_inputs * nb_outputs / 1e9, {
        "forward": {"": tf.matmul(x, weights)},
        "to the weights": {"": tf.matmul(x, error, transpose_a=True),
                           "transposed first": tf.matmul(tf.transpose(x), error)},
        "to the inputs": {"": tf.matmul(error, weights, transpose_b=True),
                          "transposed after": tf.transpose(tf.matmul(weights, tf.transpose(error)))},
    }


def milliseconds(run: Callable, repeats: int = 8) -> float:
    """The shortest of some runs."""
    run()
    durations: List[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        durations.append(time.perf_counter() - began)
    return 1000 * min(durations)


def main(threads: int) -> None:
    """Prints the tables."""
    v1.disable_eager_execution()
    session = v1.Session(config=v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1))
    square = variable(2048, 2048)
    session.run(v1.global_variables_initializer())
    peak = 2 * 2.048**3 / milliseconds(session.make_callable(tf.matmul(square, square).op))  # GFLOP a millisecond
    print(f"{threads} threads, peak {1000 * peak:.0f} GFLOP/s")
    for network, (batch, convolutions, nb_flat) in NETWORKS.items():
        print(f"\n{network}: an update of 32 states")
        layers = {f"convolution {i + 1}": convolution(batch, *sizes) for i, sizes in enumerate(convolutions)}
        layers["dense"] = dense(nb_flat)
        session.run(v1.global_variables_initializer())
        for layer, (gflop, passes) in layers.items():
            for direction, ways in passes.items():
                for way, result in ways.items():
                    took = milliseconds(session.make_callable(result.op))
                    share = 100 * gflop / peak / took
                    print(f"{layer:14} {direction:15} {way:34} {took:7.2f} ms {share:4.0f} % of peak")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else os.cpu_count())

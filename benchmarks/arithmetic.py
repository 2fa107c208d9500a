"""What the processor could do at most: how much arithmetic an update is, and how fast one matrix product runs."""
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List

from benchmarks.machine import last_word, nb_cores

SIZES = (1024, 2048)
"""Rows of the square matrices: the smaller one fits into a core's cache, the larger one is less of a start-up."""


def layer_flop(model: Any) -> List[int]:
    """Multiplications and additions of each layer with a matrix of weights, forward, for one state.

    A dense or convolutional layer uses each number of its kernel once for each position of its output.
    """
    flop = []
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            positions = 1
            for size in layer.output_shape[1:-1]:
                positions *= int(size)
            flop.append(2 * int(kernel.shape.num_elements()) * positions)
    return flop


def forward_flop(model: Any) -> int:
    """Multiplications and additions of one forward pass of one state."""
    return sum(layer_flop(model))


def update_flop(model: Any, batch: int) -> int:
    """Multiplications and additions of one DQN update: the target network forward, the network forward and backward.

    Backward is twice forward, the gradients of weights and of inputs, but nobody asks for those of the first layer's
    inputs. The optimizer, a few operations for each weight, is not counted.
    """
    flop = layer_flop(model)
    return batch * (4 * sum(flop) - flop[0])


def sgemm_gflops(nb_threads: int, seconds: float) -> float:
    """The fastest that `nb_threads` threads, each with a product of its own, multiply matrices: GFLOP/s, float32.

    It is TensorFlow's own product, which is what the updates are made of. Before the first call, TensorFlow has to be
    told to use one thread for each.
    """
    import tensorflow as tf

    def multiply(size: int) -> None:
        tf.matmul(*matrices[size]).numpy()

    matrices = {size: (tf.random.normal((size, size)), tf.random.normal((size, size))) for size in SIZES}
    best = 0.0
    with ThreadPoolExecutor(nb_threads) as threads:
        for size in SIZES:
            end = time.perf_counter() + seconds / len(SIZES)
            while time.perf_counter() < end:
                began = time.perf_counter()
                list(threads.map(multiply, [size] * nb_threads))
                best = max(best, nb_threads * 2 * size**3 / (time.perf_counter() - began) / 1e9)
    return best


def measure_peak(seconds: float) -> Dict[str, float]:
    """GFLOP/s of one core and of all."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    return {"one_core": sgemm_gflops(1, seconds), "all_cores": sgemm_gflops(nb_cores(), seconds)}


if __name__ == "__main__":
    last_word(measure_peak(0.2 if sys.argv[1:] == ["smoke"] else 1.5))

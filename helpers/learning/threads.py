"""How many processor threads TensorFlow uses."""
from helpers.checks import check_count


def set_threads(n: int = 1) -> None:
    """Set how many threads share the work inside one TensorFlow operation; operations run one after the other.

    The RAM network's operations take a tenth of a millisecond each: dividing them among threads costs more than it
    saves, so the default is one. Networks that read the screen gain from as many threads as the computer has cores.
    Call it before anything is trained or predicted: TensorFlow starts its threads once. The number of threads changes
    the order in which sums are made, and so the last digits of the weights.

    Args:
        n: threads within one operation.

    Raises:
        ValueError: `n` is not a positive whole number.
        RuntimeError: TensorFlow has started its threads already.
    """
    n = check_count("n", n, 1, advice="Choose how many threads shall share an operation.")
    # imported here, so that a reader who only imports helpers does not wait for TensorFlow
    import tensorflow as tf
    from tensorflow.python.keras import backend

    if tf.config.threading.get_intra_op_parallelism_threads() == n:
        return  # a cell that is run again asks for nothing new
    too_late = RuntimeError(f"set_threads({n}) came after TensorFlow started its threads; expected it before a model "
                            "is built. Restart the kernel and call it first.")
    # graph mode does not notice a setting that comes after the session exists: it is ignored in silence
    if getattr(backend._SESSION, "session", None) is not None:
        raise too_late
    try:
        tf.config.threading.set_intra_op_parallelism_threads(n)
        # operations side by side would take the core on which the emulator steps
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        raise too_late from error

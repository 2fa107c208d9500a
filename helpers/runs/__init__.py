"""One training's folder: its files, callbacks, progress, plots and TensorBoard."""

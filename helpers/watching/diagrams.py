"""Pictures in the place of text: how values are learned, what flows where, how large a network is, what takes time."""
import io
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image as InlineImage
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from PIL import Image

from helpers.checks import check_count
from helpers.watching.moving_png import write_moving_png

BLUE, ORANGE, GREEN, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00"
"""Of Okabe and Ito's palette, which colour-blind readers can tell apart."""

INK, FAINT, PAPER = "#222222", "#8A8A8A", "#F4F4F4"

PARTS = {"act": SKY, "step": ORANGE, "learn": BLUE}
"""The colours of a time axis: choosing an action, the emulator's step, an update of the network."""

Part = Tuple[Optional[str], float]


def draw_q_table(q_values: np.ndarray, marks: Mapping[int, str], ax: Optional[plt.Axes] = None,
                 cell: Optional[int] = None, title: str = "") -> plt.Axes:
    """Draw a corridor seen from above: in each cell the value of a step to the left and of one to the right.

    Args:
        q_values: [cells, 2], left and right; blue is deepest at 1, the larger of the two is bold.
        marks: what is written in a cell that has no values, such as the goal.
        cell: where the agent stands, a black dot; None for no agent.
    """
    ax = ax or plt.subplots(figsize=(9, 1.3))[1]
    best = np.max(q_values, axis=1, keepdims=True)
    for place in range(len(q_values)):
        if place in marks:
            ax.add_patch(Rectangle((place, 0), 1, 1, facecolor=ORANGE, edgecolor="white", lw=3))
            ax.text(place + 0.5, 0.5, marks[place], ha="center", va="center", color=INK, fontsize=9, weight="bold")
            continue
        for action, arrow in enumerate("◂▸"):
            value, x = q_values[place][action], place + action / 2
            ax.add_patch(Rectangle((x, 0), 0.5, 1, facecolor=plt.get_cmap("Blues")(0.85 * min(max(value, 0), 1)),
                                   edgecolor="white", lw=1))
            chosen = value == best[place, 0] and value > q_values[place].min()
            ax.text(x + 0.25, 0.5, f"{arrow} {value:.2f}" if action == 0 else f"{value:.2f} {arrow}", ha="center",
                    va="center", fontsize=9, color="white" if value > 0.78 else INK,
                    weight="bold" if chosen else "normal")
        ax.add_patch(Rectangle((place, 0), 1, 1, fill=False, edgecolor="white", lw=3))
    if cell is not None:
        ax.plot(cell + 0.5, 1.22, "o", ms=11, color=INK, clip_on=False)
    ax.set(xlim=(0, len(q_values)), ylim=(0, 1.5 if cell is not None else 1))
    ax.set_title(title, loc="left", fontsize=10)
    ax.axis("off")
    return ax


def moving_picture(draw: Callable[[plt.Axes, int], Any], nb_frames: int, figsize: Tuple[float, float] = (9, 1.3),
                   milliseconds: int = 300) -> InlineImage:
    """Make a moving PNG that repeats for ever, to be the last line of a cell.

    Args:
        draw: called with empty axes and the number of a frame, from 0; draws that frame.
        figsize: inches, 72 pixels each.
        milliseconds: how long a frame is shown; the last one five times as long.
    """
    figure, buffer = Figure(figsize=figsize, dpi=72), io.BytesIO()
    canvas = FigureCanvasAgg(figure)

    def frame(number: int) -> Tuple[Image.Image, float]:
        figure.clear()
        draw(figure.add_axes([0.01, 0.02, 0.98, 0.8]), number)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        return picture, milliseconds * (5 if number == nb_frames - 1 else 1)

    write_moving_png(buffer, map(frame, range(nb_frames)))
    return InlineImage(data=buffer.getvalue(), format="png")


def _circle(ax: plt.Axes, x: float, y: float, text: str, color: str = INK) -> None:
    ax.text(x, y, text, ha="center", va="center", color="white", fontsize=12,
            bbox={"boxstyle": "circle,pad=0.45", "facecolor": color, "edgecolor": "white"}, zorder=3)


def _box(ax: plt.Axes, x: float, y: float, text: str, color: str, width: float = 1.9, height: float = 0.85) -> None:
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, facecolor=color, edgecolor="none",
                                boxstyle="round,pad=0,rounding_size=0.12", zorder=2))
    ax.text(x, y, text, ha="center", va="center", fontsize=10.5, zorder=3,
            color=INK if color in (ORANGE, SKY, PAPER) else "white")


def _arrow(ax: plt.Axes, start: Tuple[float, float], end: Tuple[float, float], color: str = INK, bend: float = 0.0,
           **style: Any) -> None:
    ax.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>", mutation_scale=15,
                                 shrinkA=0, shrinkB=0, **{"color": color, "lw": 1.8, **style}))


def _canvas(ax: Optional[plt.Axes], width: float, height: float, scale: float = 1.0) -> plt.Axes:
    """Make axes without a frame, `width` by `height` units, of which `scale` inches each if they are new."""
    ax = ax or plt.subplots(figsize=(width * scale, height * scale))[1]
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return ax


def draw_backup(reward: float, next_q_values: Mapping[str, float], gamma: float,
                ax: Optional[plt.Axes] = None) -> plt.Axes:
    """Draw the Bellman backup: a state, a step, the next state, and what its actions are worth; the largest goes back.

    Args:
        reward: of the step.
        next_q_values: the name of each action in the next state, and its Q-value.
        gamma: the discount, 0 to 1.
    """
    ax = _canvas(ax, 10, 3.9)
    best = max(next_q_values, key=next_q_values.__getitem__)
    middle, state, after = 2.6, 0.8, 5.1
    _circle(ax, state, middle, "$s$")
    _circle(ax, after, middle, "$s'$")
    _arrow(ax, (state + 0.45, middle), (after - 0.45, middle))
    ax.text((state + after) / 2, middle + 0.18, f"action $a$ brings reward $r$ = {reward:g}", ha="center", fontsize=10)
    heights = np.linspace(3.4, 1.8, len(next_q_values)) if len(next_q_values) > 1 else [middle]
    for (name, value), y in zip(next_q_values.items(), heights):
        color = GREEN if name == best else FAINT
        _arrow(ax, (after + 0.42, middle + (y - middle) * 0.12), (7.15, y), color)
        _box(ax, 8.5, y, f"{name}: {value:g}", GREEN if name == best else PAPER, 2.5, 0.62)
    low = min(heights) - 0.36
    ax.plot([8.5, 8.5, state], [low, 1.0, 1.0], "--", color=GREEN, lw=1.8)
    _arrow(ax, (state, 1.0), (state, middle - 0.45), GREEN)
    ax.text((state + 8.5) / 2, 0.72, f"target of $Q(s, a)$  =  $r$ + $\\gamma$ · best  =  {reward:g} + {gamma:g} × "
            f"{next_q_values[best]:g}  =  {reward + gamma * next_q_values[best]:g}", ha="center", va="top", fontsize=12,
            color=GREEN)
    return ax


def draw_n_step(n: int, nb_states: int = 6, ax: Optional[plt.Axes] = None) -> plt.Axes:
    """Draw the target over `n` steps: `n` rewards are summed, then the Q-value of the state behind them is asked.

    Raises:
        ValueError: fewer than `n` + 1 states, or `n` below 1.
    """
    n = check_count("n", n, 1, nb_states - 1, "Draw more states, or sum fewer rewards.")
    ax = _canvas(ax, 1.7 * nb_states, 2.5)
    for t in range(nb_states):
        x = 0.85 + 1.7 * t
        _circle(ax, x, 0.8, f"$s_{t}$", GREEN if t == n else INK if t <= n else FAINT)
        if t:
            _arrow(ax, (x - 1.28, 0.8), (x - 0.42, 0.8), BLUE if t <= n else FAINT)
            ax.text(x - 0.85, 0.3, f"$r_{t - 1}$", ha="center", fontsize=12, color=BLUE if t <= n else FAINT)
    _arrow(ax, (0.85 + 1.7 * n, 1.2), (0.85, 1.2), GREEN, bend=0.32 / n ** 0.5, linestyle="--")
    powers = ["", r"\gamma\,", *(rf"\gamma^{k}\," for k in range(2, n + 1))]
    total = " + ".join(f"{powers[k]}r_{k}" for k in range(n))
    ax.text(0.1, 2.25, f"target of $s_0$, $n$ = {n}:   ${total} + {powers[n]}\\max\\,Q(s_{n})$", fontsize=12, color=INK)
    return ax


def draw_data_flow(ax: Optional[plt.Axes] = None) -> plt.Axes:
    """Draw what flows where in DQN: game, replay memory, network and target network."""
    ax = _canvas(ax, 11, 5.1)
    game, memory, network, target, loss = (1.2, 3.6), (4.4, 3.6), (8.9, 3.6), (4.4, 1.2), (8.9, 1.2)
    _box(ax, *game, "game", ORANGE)
    _box(ax, *memory, "replay memory", GREEN, 2.1)
    _box(ax, *network, "network", BLUE)
    _box(ax, *target, "target network", SKY, 2.1)
    _box(ax, *loss, "loss", RED)
    words = {"ha": "center", "va": "center", "fontsize": 9.5, "color": INK}
    _arrow(ax, (2.2, 3.6), (3.3, 3.6))
    ax.text(2.7, 3.42, "each step:\n$s, a, r, s'$", **{**words, "va": "top"})
    _arrow(ax, (5.5, 3.6), (7.9, 3.6))
    ax.text(6.7, 3.72, "32 steps at random: $s, a$", **{**words, "va": "bottom"})
    _arrow(ax, (4.4, 3.12), (4.4, 1.68))
    ax.text(4.25, 2.4, "of the same 32: $r, s'$", **{**words, "ha": "right"})
    _arrow(ax, (5.5, 1.2), (7.9, 1.2))
    ax.text(6.7, 1.08, "target:  $r + \\gamma\\,\\max\\,Q(s')$", **{**words, "va": "top"})
    _arrow(ax, (8.7, 3.12), (8.7, 1.68))
    ax.text(8.58, 1.95, "$Q(s, a)$", **{**words, "ha": "right"})
    _arrow(ax, (9.1, 1.68), (9.1, 3.12), RED)
    ax.text(9.25, 2.4, "gradient:\nchanges\nthe weights", **{**words, "ha": "left", "color": RED})
    _arrow(ax, (7.95, 3.25), (5.5, 1.62), SKY, linestyle="--", lw=2.2)
    ax.text(6.45, 2.42, "now and then:\na copy of the weights",
            **{**words, "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 2}})
    ax.plot([8.9, 8.9, 1.2], [4.07, 4.55, 4.55], color=INK, lw=1.8)
    _arrow(ax, (1.2, 4.55), (1.2, 4.05))
    ax.text(5.05, 4.68, "action $a$: the one with the largest $Q(s, a)$; with probability epsilon, any",
            **{**words, "va": "bottom"})
    return ax


def draw_network_to_scale(weights: Mapping[str, int], ax: Optional[plt.Axes] = None) -> plt.Axes:
    """Draw a square for each layer, whose area is the number of its weights.

    Args:
        weights: the name of each layer, in order, and how many weights it has; those without are left out.
    """
    weights = {name: number for name, number in weights.items() if number}
    largest = max(weights.values())
    side = {name: 4 * (number / largest) ** 0.5 for name, number in weights.items()}
    gap = 1.5
    width = sum(max(gap, length + 0.3) for length in side.values()) + 0.3
    ax = _canvas(ax, width, 5.6)
    x = 0.2
    for name, number in weights.items():
        room = max(gap, side[name] + 0.3)
        middle = x + room / 2
        ax.add_patch(Rectangle((middle - side[name] / 2, 1.2), side[name], side[name],
                               facecolor=RED if number == largest else BLUE, edgecolor="none"))
        share = number / sum(weights.values())
        ax.text(middle, 1.0, f"{name}\n{number:,}\n{100 * share:.3g} %", ha="center", va="top", fontsize=9.5, color=INK)
        x += room
    return ax


def draw_time_axis(ways: Mapping[str, Sequence[Sequence[Part]]], ax: Optional[plt.Axes] = None) -> plt.Axes:
    """Draw what happens when, in milliseconds: a band for each way to train, a lane for each thing done at once.

    Args:
        ways: the name of each way, and its lanes; a lane is a list of (what, milliseconds), one after the other from
            time 0. What is "act", "step" or "learn", or None for waiting.
    """
    lanes = [(name, lane) for name, several in ways.items() for lane in several]
    ax = ax or plt.subplots(figsize=(9, 0.8 + 0.45 * len(lanes) + 0.25 * len(ways)))[1]
    y, ticks, end = 0.0, [], max(sum(lasts for _, lasts in lane) for _, lane in lanes)
    for name, several in ways.items():
        ticks.append((y + (len(several) - 1) / 2, name))
        for lane in several:
            begins = 0.0
            for what, lasts in lane:
                if what is not None:
                    ax.barh(y, lasts, left=begins, height=0.86, color=PARTS[what], edgecolor="white", lw=1.5)
                    if lasts > 0.05 * end:
                        ax.text(begins + lasts / 2, y, what, ha="center", va="center", fontsize=9.5,
                                color="white" if what == "learn" else INK)
                begins += lasts
            y += 1
        y += 0.6
    ax.set_yticks([place for place, _ in ticks])
    ax.set_yticklabels([name for _, name in ticks])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="milliseconds", xlim=(0, end * 1.02))
    ax.invert_yaxis()
    for spine in ("top", "right", "left"):
        ax.spines[spine].set_visible(False)
    ax.legend(handles=[Rectangle((0, 0), 1, 1, color=color) for color in PARTS.values()], labels=list(PARTS), ncol=3,
              frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    return ax

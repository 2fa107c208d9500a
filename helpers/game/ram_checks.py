"""Where the screen of Space Invaders shows what the map of the console's memory says; see `helpers.game.ram_map`.

Each check takes the memory of N frames in a row, int [N, 128], and how red their screens are, uint8 [N, 210, 160], both
read after the same frames. Pixels are counted from the left (x) and from the top (y).
"""
from typing import Tuple

import numpy as np

from helpers.game.ram import BOMBS, CANNON, COLUMN, INVADERS, NO_SAUCER, ROWS, SAUCER, SHOT, SHOT_DOWN

GREEN, YELLOW, BROWN, GREY, PURPLE, GOLD = 50, 134, 181, 142, 151, 162
"""How red is what is drawn: cannon and score, invaders, shields, shots and bombs, saucer, lives. No two are alike."""

BOMBS_AT = tuple(zip(*BOMBS))
"""For each of the two bombs, its byte of x and its byte of y."""

POSE, TURN, HEIGHT, COUNT, FLAGS, SHIELDS_LEFT, PHASE, SHIELDS = 11, 13, 16, 17, 24, 27, 42, slice(43, 70)
EXPLOSION, LIVES, TIMER, HUNDREDS, UNITS = 72, 73, 74, 102, 104

PAUSES, HIT = 1, 4
"""Values of PHASE: all stands still and the lives are shown; the cannon explodes."""

Check = Tuple[np.ndarray, np.ndarray]
"""For each frame, whether the label says something that can be seen, and whether it is seen; bool [N] and [N]."""


def bit(ram: np.ndarray, byte: int, number: int) -> np.ndarray:
    """Return one bit of one byte in each frame, bool [N]; bit 0 is the lowest."""
    return ram[:, byte] >> number & 1 == 1


def first(seen: np.ndarray) -> np.ndarray:
    """Return the leftmost column of each picture [N, rows, columns] that has a pixel set, [N]; 999 where none has."""
    columns = seen.any(axis=1)
    return np.where(columns.any(axis=1), columns.argmax(axis=1), 999)


def invader_boxes(ram: np.ndarray, red: np.ndarray) -> np.ndarray:
    """Cut out all places of invaders, alive or not: how red, uint8 [N, 6 rows, 6 columns, 10, 8], lowest row first."""
    frames = np.arange(len(ram))[:, None, None, None, None]
    y = (2 * ram[:, HEIGHT] + 121)[:, None, None] - 18 * np.arange(6)[:, None] + np.arange(10)
    x = (ram[:, INVADERS] - 1)[:, None, None] + COLUMN * np.arange(6)[:, None] + np.arange(8)
    return red[frames, y.clip(0, 209)[:, :, None, :, None], x.clip(0, 159)[:, None, :, None, :]]


def alive(ram: np.ndarray) -> np.ndarray:
    """Return which invaders are alive, bool [N, 6 rows, 6 columns], the lowest row and the leftmost column first."""
    return (ram[:, ROWS, None] >> np.arange(6) & 1).astype(bool)


def exploding(ram: np.ndarray) -> np.ndarray:
    """Return which invader is drawn as it explodes, bool [N, 6 rows, 6 columns]; it is not alive any more.

    Nothing is drawn in a row in which nobody is left.
    """
    place = ram[:, EXPLOSION, None, None] & 63
    return (place == 8 * np.arange(6)[:, None] + np.arange(6)) & (ram[:, ROWS, None] > 0)


def _same_look(values: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Return where a picture [N, ...] looks as it mostly does at this value, and as at no other value."""
    looks = np.unique(pictures.reshape(len(pictures), -1), axis=0, return_inverse=True)[1]
    usual = {value: np.bincount(looks[values == value]).argmax() for value in np.unique(values)}
    alone = {value for value in usual if list(usual.values()).count(usual[value]) == 1}
    return np.array([value in alone and usual[value] == look for value, look in zip(values, looks)], bool)


def _where(said: np.ndarray, right: np.ndarray) -> Check:
    result = np.zeros(len(said), bool)
    result[said] = right
    return said, result


def check_cannon(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for green, where the cannon is said to be; in a pause the cannon blinks."""
    left = first(red[:, 185:195] == GREEN)
    return ram[:, PHASE] != PAUSES, np.abs(left - (ram[:, CANNON] - 1)) <= 1


def check_hit(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for holes in the cannon."""
    pixels = (red[:, 184:195] == GREEN).sum(axis=(1, 2))
    return ram[:, PHASE] == HIT, (pixels > 0) & (pixels < 44)  # 44: a whole cannon


def check_left(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for the leftmost yellow."""
    return ram[:, COUNT] > 0, first(red[:, 31:195] == YELLOW) == ram[:, INVADERS] - 1


def check_height(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for the topmost yellow."""
    top = 31 + first((red[:, 31:195] == YELLOW).swapaxes(1, 2))
    highest = 5 - (ram[:, ROWS] > 0)[:, ::-1].argmax(axis=1)
    return ram[:, COUNT] > 0, top == 2 * ram[:, HEIGHT] + 121 - 18 * highest


def check_rows(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for yellow in all places of those who are alive or explode, and in no other."""
    seen = (invader_boxes(ram, red) == YELLOW).any(axis=(3, 4))
    return ram[:, COUNT] > 0, (seen == alive(ram) | exploding(ram)).all(axis=(1, 2))


def check_count(ram: np.ndarray, red: np.ndarray) -> Check:
    """Count the places with yellow, without the one that explodes."""
    seen = (invader_boxes(ram, red) == YELLOW).any(axis=(3, 4))
    return ram[:, COUNT] > 0, (seen & ~exploding(ram)).sum(axis=(1, 2)) == ram[:, COUNT]


def check_explosion(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for yellow where an invader is said to explode."""
    place = exploding(ram)
    seen = (invader_boxes(ram, red) == YELLOW).any(axis=(3, 4))
    return place.any(axis=(1, 2)), (seen & place & ~alive(ram)).any(axis=(1, 2))


def check_turn(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for the rightmost column in which anyone is alive."""
    seen = (invader_boxes(ram, red) == YELLOW).any(axis=(3, 4)) & ~exploding(ram)
    rightmost = 5 - seen.any(axis=1)[:, ::-1].argmax(axis=1)
    return ram[:, COUNT] > 0, ram[:, TURN] == 130 - COLUMN * rightmost


def check_pose(ram: np.ndarray, red: np.ndarray) -> Check:
    """Compare the shapes of the leftmost invader of the highest row."""
    highest = alive(ram)[:, 5]
    said = highest.any(axis=1) & ~exploding(ram).any(axis=(1, 2))
    leftmost = highest[said].argmax(axis=1)
    pictures = invader_boxes(ram[said], red[said])[np.arange(said.sum()), 5, leftmost] == YELLOW
    return _where(said, _same_look(ram[said, POSE], pictures))


def _moves(seen: np.ndarray, right: np.ndarray) -> Check:
    step = np.append(np.diff(first(seen)), 0)
    return (step != 0) & (np.abs(step) < 6), (step > 0) == right


def check_direction(ram: np.ndarray, red: np.ndarray) -> Check:
    """Follow the leftmost yellow, while nobody is hit."""
    said, right = _moves(red[:, 31:195] == YELLOW, bit(ram, FLAGS, 1))
    return said & (np.append(np.diff(ram[:, COUNT]), 1) == 0), right


def check_saucer_direction(ram: np.ndarray, red: np.ndarray) -> Check:
    """Follow the purple."""
    return _moves(red[:, 11:21] == PURPLE, bit(ram, FLAGS, 0))


def check_shields_stand(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for any brown."""
    return np.ones(len(ram), bool), (red == BROWN).any(axis=(1, 2)) == bit(ram, FLAGS, 6)


def check_shields(ram: np.ndarray, red: np.ndarray) -> Check:
    """Compare each pixel of the three shields."""
    bits = (ram[:, SHIELDS].reshape(-1, 3, 9, 1) >> np.arange(7, -1, -1) & 1).astype(bool).repeat(2, axis=2)
    x = (ram[:, SHIELDS_LEFT] - 1)[:, None, None] + 32 * np.arange(3)[:, None] + np.arange(8)
    seen = red[np.arange(len(ram))[:, None, None, None], np.arange(157, 175)[:, None], x[:, :, None, :]] == BROWN
    return bit(ram, FLAGS, 6), (bits == seen).all(axis=(1, 2, 3))


def _falls(ram: np.ndarray, red: np.ndarray, across: int, down: int, frames: np.ndarray, low: int) -> Check:
    said = frames & (ram[:, down] >= 14) & (ram[:, down] < low)
    y, x = 2 * ram[said, down], ram[said, across] - 2
    seen = red[np.where(said)[0][:, None], y[:, None] + np.arange(1, 14), x[:, None]] == GREY
    return _where(said, seen.any(axis=1))


def check_shot(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for grey at the shot, in frames in which it is drawn."""
    return _falls(ram, red, SHOT, SHOT_DOWN, bit(ram, TIMER, 0), 86)


def check_first_bomb(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for grey at the first bomb, in frames in which it is drawn."""
    return _falls(ram, red, *BOMBS_AT[0], ~bit(ram, TIMER, 0), 94)


def check_second_bomb(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for grey at the second bomb, in frames in which it is drawn."""
    return _falls(ram, red, *BOMBS_AT[1], ~bit(ram, TIMER, 0), 94)


def check_saucer(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for the leftmost purple."""
    return ram[:, SAUCER] != NO_SAUCER, np.abs(first(red[:, 11:21] == PURPLE) - (ram[:, SAUCER] - 1)) <= 1


def check_digits(ram: np.ndarray, red: np.ndarray) -> Check:
    """Compare the shapes of four digits."""
    green = red[:, 10:20] == GREEN
    said, right = green.any(axis=(1, 2)), np.ones(len(ram), bool)
    for number, (byte, shift) in enumerate(((HUNDREDS, 4), (HUNDREDS, 0), (UNITS, 4), (UNITS, 0))):
        pictures = green[said, :, 4 + 16 * number:16 + 16 * number]
        right[said] &= _same_look(ram[said, byte] >> shift & 15, pictures)
    return said, right


def check_lives(ram: np.ndarray, red: np.ndarray) -> Check:
    """Compare the shapes of the digit of a pause."""
    said = (ram[:, PHASE] == PAUSES) & (ram[:, LIVES] > 0)
    return _where(said, _same_look(ram[said, LIVES], red[said, 184:195, 80:100] == GOLD))


def check_pause(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look for a golden digit."""
    shown = (red[:, 180:195] == GOLD).any(axis=(1, 2))
    return (ram[:, PHASE] == PAUSES) | shown, (ram[:, PHASE] == PAUSES) & shown


def check_timer(ram: np.ndarray, red: np.ndarray) -> Check:
    """Look which of shot and bomb is drawn."""
    every = np.ones(len(ram), bool)
    shot_flies, shot_seen = _falls(ram, red, SHOT, SHOT_DOWN, every, 86)
    bomb_falls, bomb_seen = _falls(ram, red, *BOMBS_AT[0], every, 94)
    apart = np.abs(ram[:, SHOT] - ram[:, BOMBS_AT[0][0]]) > 0  # else one would be taken for the other
    return shot_flies & bomb_falls & apart, (shot_seen == bit(ram, TIMER, 0)) & (bomb_seen != bit(ram, TIMER, 0))

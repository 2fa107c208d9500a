"""From measurements to tables: medians, ratios within a round, and the bars."""
from statistics import median
from typing import Any, Dict, List, NamedTuple, Sequence

from benchmarks.cases import BARS, CASES, GROUPS, LONGEST_HOURS, MOST_BESIDE, TITLES, Bar
from benchmarks.words import DIFFERENCES, INTRODUCTION

STEPS = 10_000_000
"""How long the post trains on the RAM, in agent steps."""

Record = Dict[str, Any]
"""What one run measured of one group: cpu, cores, length, peak and measured, see `update_results`."""


class Spread(NamedTuple):
    """The middle one and the ends of some numbers."""
    min: float
    median: float
    max: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Spread":
        return cls(min(numbers), median(numbers), max(numbers))

    def text(self, unit: str = "") -> str:
        """The median, and both ends in brackets, with about three digits."""
        return f"{digits(self.median)}{unit} ({digits(self.min)} to {digits(self.max)})"


def digits(number: float) -> str:
    """A number with about three digits: 2,412, 61.3, 0.92."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# --- numbers ---


def speeds(record: Record, name: str) -> List[float]:
    """Steps a second of a case, a number for each round."""
    return [result["steps_per_second"] for result in record["measured"][name]]


def best(record: Record, names: Sequence[str]) -> str:
    """The case with the highest median speed."""
    return max(names, key=lambda name: median(speeds(record, name)))


def ratios(record: Record, of: str, against: str) -> Spread:
    """How many times as fast `of` is, taken within each round."""
    return Spread.of([ours / theirs for ours, theirs in zip(speeds(record, of), speeds(record, against))])


def peak_share(record: Record, name: str, cores: str) -> Spread:
    """The share of the matrix product's speed, on "one_core" or "all_cores", that a case's arithmetic reaches."""
    return Spread.of([result["steps_per_second"] * result["step_flop"] / (peak[cores] * 1e9)
                      for result, peak in zip(record["measured"][name], record["peak"])])


def hours(record: Record, name: str) -> Spread:
    """Hours for 10 million steps."""
    return Spread.of([STEPS / speed / 3600 for speed in speeds(record, name)])


def column(record: Record, name: str, key: str) -> Spread:
    """One of the numbers that a case's process reported."""
    return Spread.of([result[key] for result in record["measured"][name]])


def summarize(group: str, record: Record) -> Dict[str, Any]:
    """The numbers that others quote: for each case and each bar min, median and max."""
    cases = {}
    for name in record["measured"]:
        cases[name] = {"label": CASES[name].label, "train_interval": CASES[name].train_interval,
                       "steps_per_second": speed_spread(record, name)._asdict(),
                       "hours": hours(record, name)._asdict(),
                       "megabytes": column(record, name, "megabytes")._asdict()}
        if CASES[name].kind in ("stock", "fast"):
            for cores in ("one_core", "all_cores"):
                cases[name][f"share_of_{cores}"] = peak_share(record, name, cores)._asdict()
        if CASES[name].kind == "fast":
            cases[name]["beside_share"] = column(record, name, "beside_share")._asdict()
    bars = []
    for bar in BARS[group]:
        against = best(record, bar.against)
        bars.append({"of": bar.of, "against": against, "needed": bar.needed,
                     **ratios(record, bar.of, against)._asdict()})
    return {"cases": cases, "bars": bars}


def speed_spread(record: Record, name: str) -> Spread:
    """Steps a second of a case."""
    return Spread.of(speeds(record, name))


# --- words ---


def bar_rows(group: str, record: Record) -> List[List[str]]:
    """Each bar: its words, what is needed, what was measured, whether the median reaches it."""
    rows = []

    def add(text: str, measured: Spread, needed: str, reached: bool, unit: str = "") -> None:
        rows.append([text, needed, measured.text(unit), "reached" if reached else "**not reached**"])

    for bar in BARS[group]:
        against = best(record, bar.against)
        measured = ratios(record, bar.of, against)
        add(_bar_text(bar, against), measured, f"at least {bar.needed:g} x", measured.median >= bar.needed, " x")
    if group.startswith("peers-"):
        return rows
    for name in record["measured"]:
        words = "`fit_parallel`" if CASES[name].nb_envs > 1 else "`fit`"
        if name in LONGEST_HOURS:
            measured = hours(record, name)
            add(f"{words}, hours for 10 million steps", measured, f"at most {LONGEST_HOURS[name]:g}",
                measured.median <= LONGEST_HOURS[name])
        if CASES[name].kind == "fast":
            measured = Spread(*(100 * share for share in column(record, name, "beside_share")))
            add(f"{words}, acting + logging + callbacks, share of a step", measured,
                f"under {100 * MOST_BESIDE:g} %", measured.median < 100 * MOST_BESIDE, " %")
    return rows


def _bar_text(bar: Bar, against: str) -> str:
    return bar.text if len(bar.against) == 1 else f"{bar.text} ({_label(against)})"


def _label(name: str) -> str:
    case = CASES[name]
    return f"{case.label}, one update per {'step' if case.train_interval == 1 else f'{case.train_interval} steps'}"


def ratio_lines(group: str, record: Record) -> List[str]:
    """What the run says at its end: a line for each bar."""
    return [f"{group}: {' | '.join(row)}" for row in bar_rows(group, record)]


def our_table(group: str, record: Record) -> str:
    """Speed, ratio, share of the arithmetic limit, time for 10 million steps and memory of each case."""
    first = GROUPS[group][0]
    rows = [[
        _label(name), speed_spread(record, name).text(), ratios(record, name, first).text(),
        *(f"{100 * peak_share(record, name, cores).median:.0f} %" for cores in ("one_core", "all_cores")),
        digits(hours(record, name).median), f"{column(record, name, 'megabytes').median:,.0f}",
    ] for name in GROUPS[group]]
    return table(["", "steps/s: median (min to max)", "times the first line", "of one core's peak",
                  "of all cores' peak", "hours for 10 million steps", "memory, MB"], rows)


def time_table(group: str, record: Record) -> str:
    """Where a step's time goes, for the agents of this project."""
    rows = [[_label(name), *(digits(column(record, name, f"{part}_ms").median)
                             for part in ("update", "emulator", "beside"))]
            for name in GROUPS[group] if CASES[name].kind == "fast"]
    return table(["milliseconds for each step", "update", "emulator (beside the update)",
                  "acting, logging, callbacks"], rows)


def peer_table(group: str, record: Record) -> str:
    """Speed, time for 10 million steps and memory of each case."""
    rows = [[_label(name), speed_spread(record, name).text(), digits(hours(record, name).median),
             f"{column(record, name, 'megabytes').median:,.0f}"] for name in GROUPS[group]]
    return table(["", "steps/s: median (min to max)", "hours for 10 million steps", "memory, MB"], rows)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def section(group: str, record: Record) -> str:
    """A group's part of results.md."""
    rounds = len(record["peak"])
    one, every = (Spread.of([peak[cores] for peak in record["peak"]]) for cores in ("one_core", "all_cores"))
    parts = [f"## {TITLES[group]}"]
    if record["length"] != "full":
        parts.append("**A smoke run of a few steps: its numbers mean nothing.**")
    parts.append(f"{_count(rounds, 'round')}, {_count(record['cores'], 'core')}, {record['cpu']}. Matrix product: "
                 f"{one.text(' GFLOP/s')} on one core, {every.text(' GFLOP/s')} on all.")
    if group in DIFFERENCES:
        parts += [peer_table(group, record), DIFFERENCES[group].strip()]
    else:
        flop = record["measured"][GROUPS[group][0]][0]["update_flop"]
        parts += [f"An update is {flop / 1e9:.3g} GFLOP." if flop > 1e9 else f"An update is {flop / 1e6:.3g} MFLOP.",
                  our_table(group, record), time_table(group, record)]
    parts.append(table(["goal", "needed", "measured: median (min to max)", ""], bar_rows(group, record)))
    return "\n\n".join(parts)


def render(results: Dict[str, Record]) -> str:
    """results.md, from all that results.json holds."""
    return "\n\n".join([INTRODUCTION.strip(), *(section(group, record) for group, record in results.items())]) + "\n"

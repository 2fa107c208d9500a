"""The benchmarks: what they count, what they write, and a real run of a few steps. (The peers are run by hand.)"""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import tensorflow as tf
from rl.agents import DQNAgent
from rl.memory import SequentialMemory
from tensorflow.keras.layers import Conv2D, Dense, Flatten
from tensorflow.keras.models import Sequential

from benchmarks import cases
from benchmarks.__main__ import PEAK, MeasuringFailed, main, run_case, update_results
from benchmarks.arithmetic import forward_flop, layer_flop, update_flop
from benchmarks.ours import Watch, make_agent
from benchmarks.report import Spread, best, digits, peak_share, ratios, table
from helpers.agents.networks import build_pixel_model, build_ram_model


@pytest.fixture(autouse=True)
def empty_graph():
    tf.keras.backend.clear_session()


# --- what is counted ---


def test_the_arithmetic_of_a_layer_is_its_kernel_times_its_positions():
    model = Sequential([Conv2D(5, (3, 2), strides=(2, 2), input_shape=(7, 7, 4)), Flatten(), Dense(11)])
    # the convolution gives 3 x 3 positions (rows 0, 2, 4; columns 0, 2, 4) of 5 numbers, each of 3 x 2 x 4 products
    assert layer_flop(model) == [2 * 9 * 5 * 24, 2 * 45 * 11]
    # both networks forward; weights' gradients of both layers; inputs' gradients of the second one
    assert update_flop(model, 10) == 10 * (2 * (2160 + 990) + (2160 + 990) + 990)


def test_the_arithmetic_of_the_post_s_networks():
    counts = []
    for model in (build_ram_model(128, 6), build_pixel_model((210, 160, 3), 6)):
        agent = DQNAgent(model, nb_actions=6, memory=SequentialMemory(10, window_length=3), enable_dueling_network=True)
        counts.append(update_flop(agent.model, 32))
    by_hand = 32 * 2 * (3 * 384 * 512 + 4 * 512 * 128 + 4 * 128 * 7)
    assert counts[0] == by_hand == 54_755_328
    assert counts[1] == pytest.approx(36.8e9, rel=0.002)
    assert forward_flop(agent.model) == pytest.approx(36.8e9 / 32 / 4, rel=0.1)


def test_time_in_which_two_things_run_side_by_side_counts_once():
    watch = Watch()
    watch.periods = {"update": [(1.0, 3.0), (6.0, 7.0)], "emulator": [(2.0, 4.0), (2.5, 3.5), (9.0, 12.0)]}
    assert watch.seconds(0.0, 10.0, "update") == 3
    assert watch.seconds(0.0, 10.0, "update", "emulator") == 3 + 1 + 1
    assert watch.seconds(2.0, 6.5, "update", "emulator") == 2 + 0.5
    assert watch.seconds(0.0, 10.0) == 0


def test_watched_functions_answer_and_fail_as_before():
    watch = Watch()
    assert watch.watched("sum", sum)([1, 2]) == 3
    with pytest.raises(TypeError):
        watch.watched("sum", sum)(1)
    assert len(watch.periods["sum"]) == 2


@pytest.mark.parametrize("name", ["ram-stock", "ram-parallel", "small-stock", "small-fast"])
def test_agents_are_what_their_case_says(name):
    case = cases.CASES[name]
    agent = make_agent(case)
    assert type(agent).__name__ == {"stock": "DQNAgent", "fast": "FastDQNAgent"}[case.kind]
    assert (agent.train_interval, agent.nb_steps_warmup) == (case.train_interval, case.fill)
    assert agent.memory.limit == cases.REPLAY and agent.memory.window_length == cases.WINDOW[case.game]
    assert agent.batch_size == cases.BATCH and agent.gamma == cases.GAMMA
    assert agent.target_model_update == cases.TARGET_UPDATE
    optimizer = agent.trainable_model.optimizer
    assert optimizer.get_config()["learning_rate"] == pytest.approx(cases.LEARNING_RATE)
    assert optimizer.epsilon == cases.ADAM_EPSILON


def test_groups_and_bars_name_cases_that_are_measured_together():
    for group, bars in cases.BARS.items():
        for bar in bars:
            assert bar.against and {bar.of, *bar.against} <= set(cases.GROUPS[group])
    assert set(cases.LONGEST_HOURS) <= set(cases.CASES)
    assert set(cases.GROUPS) == set(cases.TITLES) == set(cases.BARS)
    peers = [case for case in cases.CASES.values() if case.kind in ("sb3", "torch")]
    assert all(case.fill == cases.REPLAY for case in peers), "a replay that is not full is faster to draw from"


# --- what is written ---


def record(speeds, **results):
    """What a run would have measured: speeds, a list of steps/s for each case, and the same other numbers in all."""
    results = {"update_flop": 4e6, "step_flop": 5e6, "megabytes": 300., "update_ms": 1., "emulator_ms": 0.5,
               "beside_ms": 0.25, "beside_share": 0.2, **results}
    rounds = len(next(iter(speeds.values())))
    return {"length": "full", "cpu": "a processor", "cores": 2,
            "peak": [{"one_core": 100., "all_cores": 200.} for _ in range(rounds)],
            "measured": {name: [{"steps_per_second": speed, **results} for speed in speeds[name]] for name in speeds}}


def test_ratios_are_taken_within_a_round():
    # the computer was twice as slow in the second round: the ratio does not notice
    one = record({"ram-fast": [600., 300., 630.], "ram-stock": [100., 50., 100.]})
    assert ratios(one, "ram-fast", "ram-stock") == Spread(6.0, 6.0, 6.3)
    assert peak_share(one, "ram-fast", "one_core") == pytest.approx(Spread(0.015, 0.03, 0.0315))
    assert best(one, ["ram-stock", "ram-fast"]) == "ram-fast"


def test_tables_and_numbers_for_reading():
    assert table(["a", "b"], [["1", "2|3"]]) == "| a | b |\n| --- | --- |\n| 1 | 2\\|3 |"
    assert [digits(x) for x in (2412.4, 61.34, 0.9234)] == ["2,412", "61.3", "0.92"]
    assert Spread.of([3., 1., 2.]).text(" x") == "2.00 x (1.00 to 3.00)"


def of_group(group, *speeds):
    """The results of a run whose case number i had `speeds[i]` in every round, and the last speed from there on."""
    names = cases.GROUPS[group]
    return {PEAK: [{"one_core": 100., "all_cores": 200.}] * 5,
            **record({name: [float(speeds[min(i, len(speeds) - 1)])] * 5 for i, name in enumerate(names)})["measured"]}


def test_results_tell_which_bars_were_reached_and_keep_the_groups_of_earlier_runs(tmp_path):
    update_results(tmp_path, ["ram"], of_group("ram", 100, 120, 650, 2900), "full")
    update_results(tmp_path, ["peers-ram"], of_group("peers-ram", 650, 2900, 300, 310, 500, 400, 800), "full")
    written = (tmp_path / "results.md").read_text()
    rows = dict(re.findall(r"^\| (`.*?) \| (?:at|under).*? \| .*? \| (.*?) \|$", written, re.MULTILINE))
    assert rows == {
        "`fit` against keras-rl2 as the reader has it, one update per step": "reached",
        "`fit` against keras-rl2 with the same threads, one update per step": "**not reached**",
        "`fit_parallel`, one update per 4 steps, against keras-rl2's one per step": "reached",
        "`fit`, acting + logging + callbacks, share of a step": "**not reached**",
        "`fit_parallel`, acting + logging + callbacks, share of a step": "**not reached**",
        "`fit_parallel`, hours for 10 million steps": "reached",
        "`fit` against the best peer, one update per step (minimal PyTorch loop, PyTorch's default threads, one update "
        "per step)": "**not reached**",
        "`fit_parallel` against the best of Stable-Baselines3, both one update per 4 steps (Stable-Baselines3, "
        "PyTorch's default threads, one update per 4 steps)": "reached",
    }
    assert "\n5 rounds, " in written
    assert "smoke" not in written
    results = json.loads((tmp_path / "results.json").read_text())
    assert list(results) == ["ram", "peers-ram"]
    summary = results["ram"]["summary"]
    assert summary["cases"]["ram-fast"]["steps_per_second"] == {"min": 650, "median": 650, "max": 650}
    assert summary["cases"]["ram-parallel"]["hours"]["median"] == pytest.approx(10_000_000 / 2900 / 3600)
    assert summary["bars"][0] == {"of": "ram-fast", "against": "ram-stock", "needed": 6, "min": 6.5, "median": 6.5,
                                  "max": 6.5}
    # cases that this version does not know are not carried on, nor is a file that is none
    results["ram"]["measured"]["old case"] = []
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert list(update_results(tmp_path, ["small"], of_group("small", 10, 20), "smoke")) == ["small", "peers-ram"]
    assert "A smoke run" in (tmp_path / "results.md").read_text()
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(MeasuringFailed, match=r"results\.json is no file of this program"):
        update_results(tmp_path, ["small"], of_group("small", 10, 20), "full")


# --- real runs ---


def test_a_real_run_of_a_few_steps(project, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "ram", "--rounds", "1", "--length", "smoke", "--folder",
         str(tmp_path / "new")], cwd=str(project), stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    said = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert re.findall(r"^round 1 of 1: (.*?)  ", said, re.MULTILINE) == [PEAK, *cases.GROUPS["ram"]]
    results = json.loads((tmp_path / "new" / "results.json").read_text())["ram"]
    for name, (measured,) in results["measured"].items():
        assert measured["steps_per_second"] > 1 and 100 < measured["megabytes"] < 4000, name
        assert measured["step_flop"] * cases.CASES[name].train_interval >= measured["update_flop"] == 54_755_328
        if cases.CASES[name].kind == "fast":
            # each step has its milliseconds, none counted twice
            parts = [measured[f"{part}_ms"] for part in ("update", "emulator", "beside")]
            step = 1000 / measured["steps_per_second"]
            assert min(parts) > 0 and max(parts) < step < 1.001 * sum(parts)
            assert measured["beside_share"] == pytest.approx(measured["beside_ms"] / step, rel=0.01)
    peak = results["peak"][0]
    assert peak["one_core"] > 1 and 0.5 * peak["one_core"] < peak["all_cores"]
    text = (tmp_path / "new" / "results.md").read_text()
    assert "## RAM, the post's network" in text and "A smoke run" in text
    for private in (str(project), str(tmp_path), os.uname().nodename):
        assert private not in text and private not in json.dumps(results)


def test_a_case_that_fails_is_named_with_its_last_words(monkeypatch):
    with pytest.raises(MeasuringFailed, match=r"'torch-ram-1' ended with status 1.*(?s:.)*No module named 'ale_py'"):
        run_case("torch-ram-1", "smoke", sys.executable, "")  # this Python is not the peers'


@pytest.mark.parametrize("arguments, words", [
    (["--rounds", "0"], "--rounds is 0; expected at least 1"),
    (["--only", "peers-ram"], "needs the peers' Python; run make bench-peers"),
    (["--only", "chess"], "invalid choice: 'chess'"),
    (["--length", "long"], "invalid choice: 'long'"),
])
def test_a_wrong_command_line_is_answered(arguments, words, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert words in capsys.readouterr().err


# --- make ---


def test_make_hands_its_options_over(project):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for target, options in [("bench", ""), ("bench-peers", " --peers .venv-peers/bin/python")]:
        said = subprocess.check_output(["make", "-n", target, "ROUNDS=2", "ONLY=a b", "LENGTH=smoke"],
                                       cwd=str(project), env=environment).decode()
        command = f"run python -m benchmarks{options} --rounds 2 --length smoke --only a b"
        assert " ".join(said.split()).endswith(command)


def test_without_a_newer_python_the_peers_say_so(project, tmp_path):
    (tmp_path / "bin").mkdir()
    for command in ("sh", "sed", "cat", "cksum", "tr", "dirname"):
        (tmp_path / "bin" / command).symlink_to(shutil.which(command))
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)  # 3.7
    (tmp_path / "benchmarks").mkdir()
    for name in ("peers_env.sh", "peers-requirements.txt"):
        shutil.copy(str(project / "benchmarks" / name), str(tmp_path / "benchmarks"))
    done = subprocess.run(["sh", "benchmarks/peers_env.sh"], cwd=str(tmp_path), env={"PATH": str(tmp_path / "bin")},
                          stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode != 0 and not (tmp_path / ".venv-peers").exists()
    assert done.stderr.decode() == ("make bench-peers stopped: the peers need a Python 3.11 or newer on PATH, and "
                                    "there is none; install one and try again\n")

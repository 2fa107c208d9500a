"""Training in a real kernel: the stop button, and going on afterwards."""
import time

import pytest
from jupyter_client.manager import start_new_kernel

SET_UP = """
from helpers import (LivePlot, ProgressBar, RAM, ResumeAt, RunLogger, SaveWeights, ScaleAndClip, build_agent,
                     build_ram_model, make_game, record_game, start_run)
env = make_game(RAM, seed=1)
agent = build_agent(build_ram_model(128, 6), 6, warmup_steps=100, processor=ScaleAndClip())
run = start_run("ram", {})
callbacks = [RunLogger(run), SaveWeights(run, 1_000_000), ProgressBar(), LivePlot(run)]
"""


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    monkeypatch.setenv("RUNS_FOLDER", str(tmp_path))
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run_cell(client, code, on_stream=lambda text: None):
    """Run a cell as Lab does; return what it wrote, what it showed, and whether it ended well."""
    text, shown = [], []

    def collect(message):
        content = message["content"]
        if message["msg_type"] == "stream":
            text.append(content["text"])
            on_stream("".join(text))
        elif message["msg_type"] == "error":
            text.extend(content["traceback"])
        elif message["msg_type"] in ("display_data", "update_display_data", "execute_result"):
            shown.append((message["msg_type"], sorted(content["data"])))

    reply = client.execute_interactive(code, output_hook=collect, timeout=120)
    return "".join(text), shown, reply["content"]["status"]


def test_the_stop_button_leaves_an_agent_that_plays_and_can_go_on(kernel, tmp_path):
    manager, client = kernel
    text, _, status = run_cell(client, SET_UP)
    assert status == "ok", text

    pressed = []

    def press_stop(text):
        if not pressed and "mean of last" in text:  # a first game is over
            pressed.append(time.time())
            manager.interrupt_kernel()

    text, shown, status = run_cell(client, "agent.fit(env, nb_steps=10_000_000, verbose=0, callbacks=callbacks);",
                                   on_stream=press_stop)
    assert status == "ok" and pressed and time.time() - pressed[0] < 20
    assert "Stopped after" in text and "Traceback" not in text
    assert [kind for kind, _ in shown].count("display_data") == 1  # one plot, the final one

    text, shown, status = run_cell(client, "record_game(env, agent, seed=1, max_steps=40).clip(start=0, seconds=1)")
    assert status == "ok" and shown == [("execute_result", ["image/png", "text/plain"])]

    text, _, status = run_cell(
        client,
        "done = run.step; "
        "agent.fit(env, nb_steps=done + 30, verbose=0, callbacks=[ResumeAt(run.step), *callbacks]); "
        "print('went on from', done, 'to', run.step)",
    )
    assert status == "ok" and "Stopped" not in text
    done, now = (int(number) for number in text.split("went on from ")[1].split(" to "))
    assert now == done + 30 and 100 < done < 10_000_000
    assert len(list(tmp_path.glob("ram-001/weights-*.h5"))) == 2

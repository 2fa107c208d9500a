"""What several tests of runs need."""
import subprocess
import sys

import pytest

from helpers.learning.seeds import set_seeds
from helpers.runs.folder import start_run

HOLDER = """
import sys, time
from helpers.files import hold
held = hold(sys.argv[1])
print(flush=True)
time.sleep(600)
"""


@pytest.fixture
def held_run(tmp_path):
    """A run that another process writes into, and that process."""
    run = start_run("ram", {}, tmp_path)
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(run.folder)], stdout=subprocess.PIPE)
    process.stdout.readline()
    yield run, process
    process.kill()
    process.communicate()


@pytest.fixture(autouse=True)
def the_same_random_numbers():
    """A training that plays other games each time ends none of them now and then, and the test has nothing to see."""
    set_seeds(1)

"""Makes helpers/ importable from any folder, and asks for exactly the packages in requirements.lock.

`conda env create` hands pip a plain list that ends in `-e .`, and an editable install can't stand in a list with
hashes. So the pins of what the listed packages need in their turn travel in this project's own requirements.
"""
import re
from pathlib import Path

from setuptools import find_packages, setup

lock = (Path(__file__).parent / "requirements.lock").read_text(encoding="utf-8")
pins = re.findall(r"^([\w.-]+==[^\\\n]+?) *\\?$", lock, flags=re.MULTILINE)

setup(
    name="atari-drl",
    version="1.0.0",
    description="Notebooks that train agents to play Atari 2600 Space Invaders, and the helpers they share",
    license="MIT",
    python_requires=">=3.7,<3.8",
    packages=find_packages(include=["helpers", "helpers.*"]),
    install_requires=pins,
)

"""Reads the environment once, completed by the state file of the running instance.

`make run` picks free ports for its two stores and writes them to `var/instance.env`; a second shell
(`manage.py audit`) thereby reaches the same instance. What is set in the environment itself wins.
"""

import os
from pathlib import Path

import environ

REPOSITORY = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(os.environ.get("STOCKING_VAR_DIR") or REPOSITORY / "var").resolve()

env = environ.Env()
_instance = VAR_DIR / "instance.env"
if _instance.is_file():
    environ.Env.read_env(str(_instance), overwrite=False)

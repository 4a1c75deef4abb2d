"""The table of arguments, held against ultralytics itself in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from apps.training.arguments import GROUPS, OWN, SETTINGS, argument_problems, arguments
from apps.training.engine.train import OWN_ARGS

# Ultralytics' own check of one argument after the other: prints the names that it refuses.
CHECK = """
import json, sys
from ultralytics.cfg import get_cfg
refused = []
for name, value in json.loads(sys.argv[1]):
    try:
        get_cfg(overrides={name: value})
    except (TypeError, ValueError, SyntaxError) as error:
        refused.append([name, value])
print(json.dumps(refused))
"""


def extremes():
    """Every argument with each end of its range, or each of its choices."""
    for argument in arguments().values():
        values = argument.choices or ((True, False) if argument.kind == "bool" else (argument.low, argument.high))
        for value in values:
            yield [argument.name, value]


def test_ultralytics_takes_all_that_the_table_offers(tmp_path):
    pairs = list(extremes())
    assert not any(argument_problems({name: value}) for name, value in pairs)
    env = os.environ | {"YOLO_CONFIG_DIR": str(tmp_path), "YOLO_OFFLINE": "true"}
    command = [sys.executable, "-c", CHECK, json.dumps(pairs)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_every_grouped_argument_is_one_of_the_installed_ultralytics_with_its_help():
    assert set(arguments()) == {name for names in GROUPS.values() for name in names}
    assert all(len(argument.help) > 10 for argument in arguments().values())
    assert arguments()["mosaic"].default == 1.0
    assert (arguments()["nbs"].kind, arguments()["cos_lr"].kind) == ("int", "bool")
    assert {"auto", "SGD", "AdamW", "MuSGD"} <= set(arguments()["optimizer"].choices)


@pytest.mark.parametrize("name", sorted(OWN_ARGS | set(OWN)))
def test_what_the_platform_sets_itself_is_refused_by_name(name):
    assert name not in arguments()
    assert list(argument_problems({name: 1})) == [name]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_of_its_own_is_named(name):
    assert SETTINGS[name] in argument_problems({name: 1})[name]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("mosaik", 1, "mosaic"),
        ("mosaic", 1.1, "from 0 to 1"),
        ("mosaic", float("nan"), "from 0 to 1"),
        ("mosaic", "1", "number"),
        ("mosaic", True, "number"),
        ("mosaic", [1], "number"),
        ("mosaic", None, "number"),
        ("nbs", 1.5, "whole number"),
        ("cos_lr", 1, "true or false"),
        ("optimizer", "Lion", "AdamW"),
        ("optimizer", ["SGD"], "AdamW"),
        ("dropout", 0.1, "nothing"),
        ("erasing", 0.1, "nothing"),
        ("", 1, "no such argument"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_is_accepted(name, value, word):
    assert word in argument_problems({name: value})[name]


def test_what_rtdetr_does_not_use_is_refused_for_it():
    assert "RT-DETR" in argument_problems({"box": 5.0}, "rtdetr-l")["box"]
    assert not argument_problems({"box": 7.5, "mosaic": 0.5}, "rtdetr-l")
    assert not argument_problems({"box": 5.0}, "yolo11n")


def test_options_of_the_api_are_the_same_table(api_as, bob):
    answer = api_as(bob).get("/api/v1/training/options")
    assert answer.status_code == 200
    body = answer.json()
    assert [row["name"] for row in body["arguments"]] == list(arguments())
    rtdetr = next(row for row in body["models"] if row["name"] == "rtdetr-l")
    assert (rtdetr["family"], rtdetr["can_be_deployed"], rtdetr["weights_at_hand"]) == ("RT-DETR", False, False)
    assert api_as().get("/api/v1/training/options").status_code == 401

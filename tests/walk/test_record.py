import json, pytest
from .routes import all_routes, METHODS, filled
from .test_walk import ask, browsers, nothing_is_sent  # noqa
from .world import actors, world, values_of, team  # noqa

pytestmark = pytest.mark.django_db


def test_record(world, browsers):
    out = {}
    for route in all_routes():
        if route.text.startswith("admin/"):
            continue
        try:
            address = filled(route.text, values_of(route.text, world)) + world["queries"].get(route.text, "")
        except KeyError as e:
            out[route.text] = f"missing {e}"
            continue
        out[route.text] = {
            m: {n: ask(c, m, address) for n, c in browsers.items()}
            for m in (METHODS if route.text.startswith("api/") else ("GET", "POST"))
        }
    json.dump(out, open("/tmp/walk.json", "w"), indent=0)

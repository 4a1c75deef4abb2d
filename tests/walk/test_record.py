
import json, pytest
from django.db import transaction
from .routes import all_routes, METHODS, filled
from .world import world  # noqa

pytestmark = pytest.mark.django_db

def values_of(text, world):
    short = text.removeprefix("api/v1/").lstrip("^")
    best = max((p for p in world if short.startswith(p)), key=len, default=None)
    first = short.split("/")[0] + "/"
    return {"rest": "nothing", **world.get(first, {}), **world.get(best, {})}

def ask(client, method, address):
    kept = {k: m.value for k, m in client.cookies.items()}
    try:
        with transaction.atomic():
            r = client.generic(method, address, "", "application/json", raise_request_exception=False)
            s = r.status_code
            if getattr(r, "streaming", False): r.close()
            if s in (301, 302): s = f"{s} {r['Location'][:30]}"
            transaction.set_rollback(True)
    except Exception as e:
        s = f"!{type(e).__name__}: {e}"[:120]
    from http.cookies import SimpleCookie
    client.cookies = SimpleCookie(kept)
    return s

def test_record(world, page_as, carol, operator, alice, monkeypatch):
    from celery import current_app
    monkeypatch.setattr(current_app, "send_task", lambda *a, **k: None)
    actors = {"nobody": None, "outsider": carol, "owner": alice, "operator": operator}
    clients = {k: page_as(v) for k, v in actors.items()}
    for c in clients.values(): c.raise_request_exception = False
    out = {}
    for route in all_routes():
        if route.text.startswith("admin/"): continue
        try: address = filled(route.text, values_of(route.text, world))
        except KeyError as e:
            out[route.text] = f"missing {e}"; continue
        out[route.text] = {m: [ask(c, m, address) for c in clients.values()] for m in (METHODS if route.text.startswith("api/") else ("GET", "POST"))}
    json.dump(out, open("/tmp/walk.json", "w"), indent=0)

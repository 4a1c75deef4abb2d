import pytest
from .routes import filled
from .test_walk import browsers, nothing_is_sent  # noqa
from .world import actors, world, values_of, team  # noqa

pytestmark = pytest.mark.django_db


def test_debug(world, browsers):
    c = browsers["owner"]
    for text in (
        "models/<int:pk>/exports/<int:export_id>/file",
        "datasets/import/<int:job_id>",
        "datasets/<int:pk>/versions/compare",
        "datasets/<int:pk>/import/<int:job_id>",
    ):
        a = filled(text, values_of(text, world)) + world["queries"].get(text, "")
        c.raise_request_exception = True
        try:
            r = c.get(a)
            print(a, r.status_code, r.content[:300] if r.status_code == 404 and not r.streaming else "")
            import re

            if r.status_code == 404:
                print(re.findall(r"<p[^>]*>(.*?)</p>", r.content.decode())[:5])
        except Exception as e:
            import traceback

            traceback.print_exc(limit=-3)

"""What teams cost: lists and look-ups among 20,000 datasets of 1,000 people and 100 teams, beside no teams at all.

    python benchmarks/teams.py
    python benchmarks/teams.py --datasets 2000 --only sqlite

On a database of its own of each kind; PostgreSQL where its programs are installed. Milliseconds of the query alone, as
Django asks it, median of 50 in turns: the first page of the list, its count, one dataset by id, and the name that a
prediction asks for, for a person with 20 datasets and three teams. “Before” is `owner = me or public`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
ROUNDS, PAGE = 50, 24


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=20_000)
    parser.add_argument("--only", nargs="+", choices=("sqlite", "postgresql"), default=("sqlite", "postgresql"))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    from postgres import binaries, running_postgres

    from yolotrainer.demo import free_port

    for kind in options.only:
        if kind == "postgresql" and not binaries():
            print("PostgreSQL's programs are not here: only SQLite is measured.")
            continue
        with tempfile.TemporaryDirectory(prefix="bench-teams-") as folder:
            Path(folder).chmod(0o711)
            server = running_postgres(free_port(), Path(folder) / "server") if kind == "postgresql" else nullcontext("")
            with server as url:
                environment = os.environ | {"DATA_DIR": f"{folder}/data", "DATABASE_URL": url or ""}
                command = [sys.executable, __file__, "--inside", "--datasets", str(options.datasets)]
                print(f"\n{kind}, {options.datasets} datasets", flush=True)
                subprocess.run(command, env=environment, check=True, cwd=ROOT)
    return None


def inside(options):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    fill(options.datasets)
    measure()


def fill(count):
    from django.db import connection

    from apps.accounts.models import Membership, Team, User
    from apps.datasets.models import Dataset
    from apps.inference.models import Deployment

    people = User.objects.bulk_create(User(username=f"p{n}", email=f"p{n}@example.org") for n in range(count // 20))
    teams = Team.objects.bulk_create(Team(name=f"Team {n}") for n in range(100))
    Membership.objects.bulk_create(
        Membership(team=teams[(n * 7 + k) % 100], user=one, role="labeller")
        for n, one in enumerate(people)
        for k in range(3)
    )
    Dataset.objects.bulk_create(
        (
            Dataset(
                owner=people[n % len(people)], team=teams[n % 97] if n % 4 == 0 else None, name=f"Dataset {n}",
                is_public=n % 100 == 1, class_names=["a", "b"], class_keys=[0, 1],
            )
            for n in range(count)
        ),
        batch_size=1000,
    )  # fmt: skip
    Deployment.objects.bulk_create(
        Deployment(owner=people[n % len(people)], team=teams[n % 97] if n % 4 == 0 else None, name=f"d{n}")
        for n in range(count // 4)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measure():
    from django.db.models import Q

    from apps.accounts.models import User
    from apps.datasets.access import visible_to
    from apps.datasets.models import Dataset
    from apps.inference.access import DEPLOYMENTS_BY_NAME

    user = User.objects.get(username="p10")
    before = lambda: Dataset.objects.filter(Q(owner=user) | Q(is_public=True))  # noqa: E731
    own = Dataset.objects.filter(owner=user, team=None).first().pk
    ways = {
        "first page of the list": (lambda rows: list(rows.select_related("owner", "team")[:PAGE])),
        "its count": (lambda rows: rows.count()),
        "one by id": (lambda rows: rows.filter(pk=own).first()),
    }
    print(f"{'':28}{'before':>10}{'with teams':>12}")
    for words, ask in ways.items():
        old, new = in_turns(lambda ask=ask: ask(before()), lambda ask=ask: ask(visible_to(user)))
        print(f"{words:28}{old:>8.2f} ms{new:>9.2f} ms")
    [name] = in_turns(lambda: DEPLOYMENTS_BY_NAME[False].first(user.pk, "d10"))
    print(f"{'a name that is asked':28}{'':>10}{name:>10.2f} ms")

    def roles():
        from apps.core.access import rights_in_teams

        user._prefetched_objects_cache = {}
        rights_in_teams(user)

    [read] = in_turns(roles)
    print(f"{'memberships, once a request':28}{'':>10}{read:>10.2f} ms")


def in_turns(*calls):
    """The median of each in milliseconds."""
    times = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, found in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            found.append(1000 * (time.perf_counter() - start))
    return [statistics.median(found) for found in times]


if __name__ == "__main__":
    main()

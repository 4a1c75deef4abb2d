import sqlite3
from contextlib import closing

from django.apps import AppConfig
from django.db.backends.sqlite3.base import DatabaseWrapper


class CoreConfig(AppConfig):
    name = "apps.core"

    def ready(self):
        from apps.core import usage
        from apps.core.metrics import work
        from apps.core.metrics.now import add_source
        from apps.core.models import Upload

        usage.KINDS.append(usage.Kind("Uploads", Upload.objects.all, "offset", has_team=False, is_kept=False))

        for source in (work.jobs, work.ends, work.queues, work.parts, work.webhooks):
            add_source(source.__name__, source)
        # Django 5.2 takes every SQLite for one of 999 parameters, and makes many queries of one bulk insert.
        with closing(sqlite3.connect(":memory:")) as memory:
            DatabaseWrapper.features_class.max_query_params = memory.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)

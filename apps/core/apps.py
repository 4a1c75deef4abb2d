import sqlite3
from contextlib import closing

from django.apps import AppConfig
from django.db.backends.sqlite3.base import DatabaseWrapper


class CoreConfig(AppConfig):
    name = "apps.core"

    def ready(self):
        from apps.core import usage
        from apps.core.deleting import delete_jobs, delete_uploads, jobs_against
        from apps.core.leaving import ESTATE, Possession, each
        from apps.core.metrics import work
        from apps.core.metrics.now import add_source
        from apps.core.models import Job, Upload, Webhook
        from apps.core.webhooks.services import delete_webhook

        usage.KINDS.append(usage.Kind("Uploads", Upload.objects.all, "offset", has_team=False, is_kept=False))

        def own(model):
            return lambda user: model.objects.filter(owner=user, team=None)

        ESTATE += [
            Possession("upload", "uploads", lambda user: Upload.objects.filter(owner=user), delete_uploads),
            Possession("job", "jobs", own(Job), delete_jobs, jobs_against),
            Possession("webhook", "webhooks", own(Webhook), each(delete_webhook)),
        ]
        for source in (work.jobs, work.ends, work.queues, work.parts, work.webhooks):
            add_source(source.__name__, source)
        # Django 5.2 takes every SQLite for one of 999 parameters, and makes many queries of one bulk insert.
        with closing(sqlite3.connect(":memory:")) as memory:
            DatabaseWrapper.features_class.max_query_params = memory.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)

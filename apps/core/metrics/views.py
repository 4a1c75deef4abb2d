"""`/metrics`."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from apps.core.metrics.meters import counted
from apps.core.metrics.now import now
from apps.core.operations import may_see_inside

REFUSED = (
    "Metrics are read with METRICS_TOKEN as “Authorization: Bearer …”, by the operator, or, where no token is set, "
    "from this machine past no proxy.\n"
)


@require_safe
def metrics(request):
    """All metrics, in Prometheus's text format."""
    if not may_see_inside(request):
        return HttpResponse(REFUSED, status=403, content_type="text/plain; charset=utf-8")
    asked = CollectorRegistry()
    asked.register(now)
    return HttpResponse(generate_latest(counted()) + generate_latest(asked), content_type=CONTENT_TYPE_LATEST)

"""Counts requests by the route that answered, never by path: the number of series is bounded by the routes."""

from time import perf_counter

from django.db import connection

from apps.core.metrics.meters import HTTP_QUERIES, HTTP_REQUESTS, HTTP_SECONDS

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
NO_ROUTE = "none"  # static files, and addresses that do not exist


class Metered:
    """Middleware: latency, status and number of queries of each answer. It comes first."""

    def __init__(self, get_response):
        self.get_response = get_response
        self._known = {}  # (route, method, status) → what counts it

    def __call__(self, request):
        started, queries = perf_counter(), _Queries()
        with connection.execute_wrapper(queries):
            response = self.get_response(request)
        match = request.resolver_match
        key = (match.route if match else NO_ROUTE, request.method, response.status_code)
        seconds, requests, asked = self._known.get(key) or self._meters(key)
        seconds.observe(perf_counter() - started)
        requests.inc()
        if queries.number:
            asked.inc(queries.number)
        return response

    def _meters(self, key):
        route, method, status = key
        known_method = method if method in METHODS else "other"
        meters = (
            HTTP_SECONDS.labels(route, known_method),
            HTTP_REQUESTS.labels(route, known_method, status),
            HTTP_QUERIES.labels(route, known_method),
        )
        if known_method == method:
            self._known[key] = meters
        return meters


class _Queries:
    """Counts the queries of one answer."""

    __slots__ = ("number",)

    def __init__(self):
        self.number = 0

    def __call__(self, execute, sql, params, many, context):
        self.number += 1
        return execute(sql, params, many, context)

"""Errors to a Sentry of your own, where SENTRY_DSN names one. Nothing of persons is sent along."""

from django.core.exceptions import ImproperlyConfigured


def report_errors(dsn, environment):
    """Have unforeseen errors of requests and tasks reported; raises ImproperlyConfigured in one line."""
    try:
        import sentry_sdk
    except ImportError:
        raise ImproperlyConfigured("SENTRY_DSN is set, and the package is missing: pip install sentry-sdk") from None
    try:
        sentry_sdk.init(
            dsn=dsn, environment=environment, send_default_pii=False, max_request_body_size="never",
            include_local_variables=False, traces_sample_rate=0, before_send=without_persons,
        )  # fmt: skip
    except Exception as error:  # the package's own BadDsn
        raise ImproperlyConfigured(f"SENTRY_DSN cannot be used: {error}") from None


def without_persons(event, hint=None):
    """An event without who asked: no user, cookies, headers, query or body."""
    event.pop("user", None)
    request = event.get("request", {})
    for private in ("cookies", "headers", "data", "query_string", "env"):
        request.pop(private, None)
    return event

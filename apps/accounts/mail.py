"""Mail from templates: the first line of templates/accounts/mail/<name>.txt is the subject, the rest the text."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string


def send(name, to, **context):
    """One mail to one address; raises SMTPException or OSError where the server does not take it."""
    context |= {"contact": settings.OPERATOR_CONTACT, "settings": settings}
    subject, _, body = render_to_string(f"accounts/mail/{name}.txt", context).partition("\n")
    EmailMessage(subject, body.lstrip("\n"), to=[to]).send()


def site_of(request):
    """The platform's address as its links in mails begin, without a slash at the end."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


def later(task, *ids):
    """Have a worker run the task once this transaction is through; where the queue is away, that is logged."""

    def enqueue():
        task.delay(*ids)

    transaction.on_commit(enqueue, robust=True)

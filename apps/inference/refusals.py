"""Questions that are refused before a model is asked: they count where they name a deployment or a model."""

from django.http import Http404

from apps.accounts.authentication import BrowserSessionAuthentication
from apps.inference import after
from apps.inference.access import NotAnswering, find_to_ask
from apps.inference.metering import over_quota
from apps.inference.tokens import token_of


def refuse(request, question, error):
    """Raise `error`, an APIException, after it was counted; the 429 answer where the token's quota is used up.

    `question` is what could be read of it, {name: value}. What names nothing that one may ask counts nowhere.
    """
    deployment, model = named(request.user, question)
    if model is None:
        raise error
    over = over_quota(request)
    tell(request, deployment, model, over.status_code if over else error.status_code)
    if over:
        return over
    raise error


def tell(request, deployment, model, status, **answered):
    """Hand a question over to what looks at it afterwards. What a person tries in the browser is no traffic: it is
    neither counted nor captured. `answered`: seconds, data, options, prediction.
    """
    if isinstance(request.successful_authenticator, BrowserSessionAuthentication):
        return
    token = token_of(request)
    nothing = {"seconds": 0.0, "data": b"", "options": {}, "prediction": None}
    after.tell(
        after.Asked(
            deployment_id=deployment and deployment.pk, model_id=model.pk, user_id=request.user.pk,
            token_id=token and token.pk, status=status, **(nothing | answered),
        )
    )  # fmt: skip


def named(user, question):
    """(deployment or None, model) that a question means which may be wrong in all else; (None, None) for neither."""
    if not isinstance(question, dict):
        return None, None
    name, number = question.get("model"), str(question.get("model_id", ""))
    is_name = isinstance(name, str) and 0 < len(name) <= 120 and name.isprintable()
    is_number = number.isascii() and number.isdecimal() and len(number) < 19
    if is_name == is_number:
        return None, None
    try:
        return find_to_ask(user, *((None, name) if is_name else (int(number), None)))
    except NotAnswering as silent:
        return silent.deployment, silent.model
    except Http404:
        return None, None

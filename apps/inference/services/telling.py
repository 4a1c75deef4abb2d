"""What webhooks are told of models that answer."""

from apps.core.webhooks.telling import tell


def tell_deployed(model, deployment=None):
    """`model` answers from now on, behind `deployment` where it came there; in the transaction that says so."""
    about = deployment or model
    told = {
        "model_id": model.pk, "name": model.title, "deployment_id": deployment and deployment.pk,
        "deployment": deployment and deployment.name, "api": f"/api/v1/models/{model.pk}",
        "page": f"/models/{model.pk}/",
    }  # fmt: skip
    tell("model.deployed", about, told)

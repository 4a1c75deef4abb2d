"""Every write of the prediction floor: building what serves, answering, deployments and their switches."""

from apps.inference.services.answering import (
    DEFAULT_CONF,
    LEAST_CONF,
    NOT_SERVED,
    NotServed,
    at_thresholds,
    gate,
    model_answering,
    predict,
    predict_if_idle,
    refuse_flood,
    runtime_of,
    runtimes,
    unreadable_models,
)
from apps.inference.services.building import build, is_built
from apps.inference.services.choices import Choice, ChoiceRefused, choice_of
from apps.inference.services.deploying import (
    active_deployment,
    deploy_model,
    last_deployment,
    run_deployment,
    undeploy_model,
)
from apps.inference.services.deployments import (
    DeploymentRefused,
    create_deployment,
    delete_deployment,
    gate_on,
    has_ground,
    part_from_others,
    update_deployment,
)
from apps.inference.services.switching import SwitchRefused, cancel_switch, go_back, run_switch, start_switch

__all__ = [
    "DEFAULT_CONF",
    "LEAST_CONF",
    "NOT_SERVED",
    "Choice",
    "ChoiceRefused",
    "DeploymentRefused",
    "NotServed",
    "SwitchRefused",
    "active_deployment",
    "at_thresholds",
    "build",
    "cancel_switch",
    "choice_of",
    "create_deployment",
    "delete_deployment",
    "deploy_model",
    "gate",
    "gate_on",
    "go_back",
    "has_ground",
    "is_built",
    "last_deployment",
    "model_answering",
    "part_from_others",
    "predict",
    "predict_if_idle",
    "refuse_flood",
    "run_deployment",
    "run_switch",
    "runtime_of",
    "runtimes",
    "start_switch",
    "undeploy_model",
    "unreadable_models",
    "update_deployment",
]

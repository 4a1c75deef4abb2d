"""Every write to trained models, their evaluations and operating points."""

from apps.models.services.confirmations import confirm_labels, unconfirm_labels
from apps.models.services.evaluations import (
    EvaluationRefused,
    evaluate_on_own_splits,
    run_evaluation,
    start_evaluation,
)
from apps.models.services.operating_points import PointRefused, clear_operating_point, set_operating_point
from apps.models.services.trained_models import (
    delete_model,
    mark_deployed,
    mark_undeployed,
    register_model,
    release_model,
    update_model,
)

__all__ = [
    "EvaluationRefused",
    "PointRefused",
    "clear_operating_point",
    "confirm_labels",
    "delete_model",
    "evaluate_on_own_splits",
    "mark_deployed",
    "mark_undeployed",
    "register_model",
    "release_model",
    "run_evaluation",
    "set_operating_point",
    "start_evaluation",
    "unconfirm_labels",
    "update_model",
]

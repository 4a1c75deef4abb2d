"""Every write to trained models, their evaluations and operating points."""

from apps.models.services.confirmations import confirm_labels, unconfirm_labels
from apps.models.services.evaluations import (
    EvaluationRefused,
    delete_evaluation,
    evaluate_on_own_splits,
    run_evaluation,
    start_evaluation,
    version_to_prove_on,
)
from apps.models.services.exports import ExportRefused, delete_export, reason_of, run_export, start_export
from apps.models.services.lines import NameTaken, drop_empty_line
from apps.models.services.operating_points import PointRefused, clear_operating_point, set_operating_point
from apps.models.services.stages import (
    NotDeployable,
    StageRefused,
    answering_of_line,
    check_deployable,
    clean_tags,
    follow_deployments,
    is_there,
    lock_lines,
    set_stage,
)
from apps.models.services.trained_models import (
    DeleteRefused,
    copy_weights,
    delete_model,
    delete_unused,
    keep_serving,
    mark_deployed,
    mark_undeployed,
    register_model,
    release_model,
    update_model,
)
from apps.models.services.uploads import UploadRefused, asks_for_names, give_class_names, start_upload

__all__ = [
    "DeleteRefused",
    "EvaluationRefused",
    "ExportRefused",
    "NameTaken",
    "NotDeployable",
    "PointRefused",
    "StageRefused",
    "UploadRefused",
    "answering_of_line",
    "asks_for_names",
    "check_deployable",
    "clean_tags",
    "clear_operating_point",
    "confirm_labels",
    "copy_weights",
    "delete_evaluation",
    "delete_export",
    "delete_model",
    "delete_unused",
    "drop_empty_line",
    "evaluate_on_own_splits",
    "follow_deployments",
    "give_class_names",
    "is_there",
    "keep_serving",
    "lock_lines",
    "mark_deployed",
    "mark_undeployed",
    "reason_of",
    "register_model",
    "release_model",
    "run_evaluation",
    "run_export",
    "set_operating_point",
    "set_stage",
    "start_evaluation",
    "start_export",
    "start_upload",
    "unconfirm_labels",
    "update_model",
    "version_to_prove_on",
]

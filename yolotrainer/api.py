"""The one router of API v1. Routes are written without a trailing slash; core's middleware takes one off."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.accounts import api as accounts
from apps.accounts.teams import api as teams
from apps.annotations.api import (
    classes,
    health,
    imports,
    labelled,
    labels,
    review,
    review_requests,
    transfer,
    versions,
    workspace,
)
from apps.core import api as core
from apps.core import direct_api as direct
from apps.core import fetch_api, tus
from apps.core.openapi import Schema
from apps.core.webhooks import api as webhooks
from apps.datasets import api as datasets
from apps.datasets import bulk_api
from apps.datasets import direct_api as straight
from apps.datasets import health_api as health_of
from apps.inference import api as inference
from apps.inference import batch_api as batches
from apps.inference import capture_api as captures
from apps.inference import deployment_api as deployments
from apps.inference import monitoring_api as monitoring
from apps.inference import video_api as videos
from apps.models import api as models
from apps.models import evaluation_api as evaluations
from apps.models import export_api as exports
from apps.training import api as training
from apps.training import live_api as live
from apps.training import pictures_api as pictures

router = SimpleRouter(trailing_slash=False)
router.register("datasets", datasets.DatasetViewSet)
router.register("models", models.ModelViewSet)

DATASET = "datasets/<int:dataset_id>"
IMAGE = f"{DATASET}/images/<int:image_id>"
urlpatterns = [
    path("predictions/infer", inference.Infer.as_view(), name="infer"),  # first: looked up most often by far
    path("schema", Schema.as_view(), name="schema"),
    path("auth/register", accounts.Register.as_view()),
    path("auth/login", accounts.Login.as_view()),
    path("auth/refresh", accounts.Refresh.as_view()),
    path("auth/verify", accounts.Verify.as_view()),
    path("auth/logout", accounts.Logout.as_view()),
    path("auth/me", accounts.Me.as_view()),
    path("auth/password", accounts.Password.as_view()),
    path("auth/me/keymap", accounts.Keymap.as_view()),
    path("auth/tokens", accounts.Tokens.as_view()),
    path("auth/tokens/<int:pk>", accounts.TokenDetail.as_view()),
    path("teams", teams.Teams.as_view()),
    path("teams/join", teams.Join.as_view()),
    path("teams/<int:pk>", teams.TeamDetail.as_view()),
    path("teams/<int:pk>/members", teams.Members.as_view()),
    path("teams/<int:pk>/members/<int:user_id>", teams.MemberDetail.as_view()),
    path("teams/<int:pk>/invitations", teams.Invitations.as_view()),
    path("teams/<int:pk>/invitations/<int:invitation_id>", teams.InvitationDetail.as_view()),
    path("teams/<int:pk>/webhooks", teams.TeamWebhooks.as_view()),
    path("teams/<int:pk>/events", teams.Events.as_view()),
    path("uploads", tus.Uploads.as_view()),
    path("uploads/from-url", fetch_api.UploadFromUrl.as_view()),
    path("uploads/<uuid:pk>", tus.UploadDetail.as_view()),
    path("uploads/<uuid:pk>/parts", direct.UploadParts.as_view()),
    path("uploads/<uuid:pk>/complete", direct.UploadComplete.as_view()),
    path("jobs", core.JobList.as_view()),
    path("jobs/<int:pk>", core.JobDetail.as_view()),
    path("jobs/<int:pk>/cancel", core.JobCancel.as_view()),
    path("jobs/<int:pk>/file", core.JobFile.as_view(), name="job_file"),
    path("webhooks", webhooks.Webhooks.as_view()),
    path("webhooks/<int:pk>", webhooks.WebhookDetail.as_view()),
    path("webhooks/<int:pk>/test", webhooks.WebhookTest.as_view()),
    path("webhooks/<int:pk>/secret", webhooks.WebhookSecret.as_view()),
    path("webhooks/<int:pk>/deliveries", webhooks.Deliveries.as_view()),
    path("webhooks/<int:pk>/deliveries/<uuid:delivery_id>/replay", webhooks.DeliveryReplay.as_view()),
    path("datasets/import", imports.ImportNewDataset.as_view()),
    path("datasets/inspect", imports.InspectForNewDataset.as_view()),
    path(f"{DATASET}/import", imports.ImportIntoDataset.as_view()),
    path(f"{DATASET}/inspect", imports.InspectForDataset.as_view()),
    path(f"{DATASET}/imports/<int:job_id>/undo", imports.UndoImport.as_view()),
    path(f"{DATASET}/export", transfer.ExportDataset.as_view()),
    path(f"{DATASET}/images", datasets.Images.as_view(), name="images"),
    path(f"{DATASET}/images/direct", straight.AnnounceImages.as_view()),
    path(f"{DATASET}/images/direct/<int:job_id>/complete", straight.CompleteImages.as_view()),
    path(f"{DATASET}/images/bulk", bulk_api.BulkImages.as_view()),
    path(f"{DATASET}/images/labelled", labelled.LabelledImages.as_view(), name="labelled_images"),
    path(f"{DATASET}/images/undo", bulk_api.UndoImages.as_view()),
    path(f"{DATASET}/trash", bulk_api.Trash.as_view()),
    path(f"{DATASET}/trash/purge", bulk_api.PurgeTrash.as_view()),
    path(IMAGE, datasets.ImageDetail.as_view()),
    path(f"{DATASET}/statistics", health.Statistics.as_view(), name="statistics"),
    path(f"{DATASET}/statistics/positions", health.Positions.as_view()),
    path(f"{DATASET}/validate", health.ValidateDataset.as_view()),
    path(f"{DATASET}/split", health_of.SplitDataset.as_view()),
    path(f"{DATASET}/split/undo", health_of.UndoSplit.as_view()),
    path(f"{DATASET}/duplicates", health_of.Duplicates.as_view()),
    path(f"{DATASET}/leaks", health_of.Leaks.as_view()),
    path(f"{DATASET}/leaks/mend", health_of.MendLeaks.as_view()),
    path(f"{DATASET}/classes", classes.Classes.as_view()),
    path(f"{DATASET}/classes/order", classes.ClassOrder.as_view()),
    path(f"{DATASET}/classes/history", classes.ClassHistory.as_view()),
    path(f"{DATASET}/classes/<int:class_id>", classes.ClassDetail.as_view()),
    path(f"{IMAGE}/annotations", labels.ImageAnnotations.as_view(), name="annotations"),
    path(f"{DATASET}/annotations/<int:annotation_id>", labels.AnnotationDetail.as_view()),
    path(f"{DATASET}/annotations/bulk", review.BulkLabels.as_view()),
    path(f"{DATASET}/annotations/undo", review.UndoBulkLabels.as_view()),
    path(f"{DATASET}/annotations/<int:annotation_id>/crop", review.Crop.as_view()),
    path(f"{DATASET}/crops", review.Crops.as_view()),
    path(f"{DATASET}/presence", review.Presence.as_view()),
    path(f"{IMAGE}/review", review.ReviewImage.as_view()),
    path(f"{DATASET}/review-requests", review_requests.ReviewRequest.as_view()),
    path(f"{IMAGE}/suggestions", review.Suggestions.as_view()),
    path(f"{IMAGE}/prelabel", inference.PrelabelImage.as_view()),
    path(f"{DATASET}/prelabel", inference.PrelabelDataset.as_view()),
    path(f"{IMAGE}/revisions", labels.Revisions.as_view()),
    path(f"{IMAGE}/revisions/<int:number>", labels.RevisionDetail.as_view()),
    path(f"{IMAGE}/revisions/<int:number>/restore", labels.RestoreRevision.as_view()),
    path(f"{DATASET}/versions", versions.Versions.as_view()),
    path(f"{DATASET}/versions/<int:number>", versions.VersionDetail.as_view()),
    path(f"{DATASET}/versions/<int:number>/compare/now", versions.CompareWithNow.as_view()),
    path(f"{DATASET}/versions/<int:number>/compare/<int:other>", versions.CompareVersions.as_view()),
    path(f"{DATASET}/versions/<int:number>/restore", versions.RestoreVersion.as_view()),
    path(f"{DATASET}/workspace/position", workspace.Position.as_view()),
    path(f"{DATASET}/workspace/window", workspace.Window.as_view()),
    path("models/upload/<int:job_id>/class-names", models.ClassNamesOfUpload.as_view()),
    path("training", training.TrainingJobs.as_view()),
    path("training/options", training.Options.as_view()),
    path("training/<int:pk>", training.TrainingJobDetail.as_view()),
    path("training/<int:pk>/metrics", training.Metrics.as_view()),
    path("training/<int:pk>/metrics.csv", live.MetricsFile.as_view(), name="training_metrics_file"),
    path("training/<int:pk>/logs", training.Logs.as_view()),
    path("training/<int:pk>/log.txt", live.LogFile.as_view(), name="training_log_file"),
    path("training/<int:pk>/live", live.Live.as_view(), name="training_live"),
    path("training/<int:pk>/usage", live.Usage.as_view()),
    path("training/<int:pk>/looks", pictures.Looks.as_view(), name="training_looks"),
    path("training/<int:pk>/looks/images", pictures.WatchedImages.as_view()),
    path("training/<int:pk>/looks/<int:epoch>", pictures.Look.as_view()),
    path("training/<int:pk>/batches", pictures.Batches.as_view()),
    path("training/<int:pk>/batches/<int:picture_id>", pictures.BatchPicture.as_view(), name="training_batch"),
    path("training/<int:pk>/cancel", training.Cancel.as_view()),
    path("training/<int:pk>/pause", training.Pause.as_view()),
    path("training/<int:pk>/resume", training.Resume.as_view()),
    path("models/<int:pk>/evaluations", evaluations.Evaluations.as_view()),
    path("models/<int:pk>/evaluations/<int:evaluation_id>", evaluations.EvaluationDetail.as_view(), name="evaluation"),
    path("models/<int:pk>/evaluations/<int:evaluation_id>/images", evaluations.WrongImages.as_view()),
    path(
        "models/<int:pk>/evaluations/<int:evaluation_id>/images/<int:image_id>/confirmation",
        evaluations.LabelsConfirmation.as_view(),
    ),
    path("models/<int:pk>/exports", exports.Exports.as_view()),
    path("models/<int:pk>/exports/formats", exports.Formats.as_view()),
    path("models/<int:pk>/exports/<int:export_id>", exports.ExportDetail.as_view()),
    path("models/<int:pk>/exports/<int:export_id>/file", exports.ExportFile.as_view(), name="export_file"),
    path("models/<int:pk>/deploy", inference.Deploy.as_view()),
    path("models/<int:pk>/undeploy", inference.Undeploy.as_view()),
    path("deployments", deployments.Deployments.as_view()),
    path("deployments/<int:pk>", deployments.DeploymentDetail.as_view(), name="deployment"),
    path("deployments/<int:pk>/switch", deployments.Switching.as_view()),
    path("deployments/<int:pk>/back", deployments.Back.as_view()),
    path("deployments/<int:pk>/switches", deployments.Switches.as_view()),
    path("models/<int:pk>/monitoring", monitoring.ModelMonitoring.as_view(), name="model_monitoring"),
    path("deployments/<int:pk>/monitoring", monitoring.DeploymentMonitoring.as_view(), name="deployment_monitoring"),
    path("auth/tokens/usage", monitoring.TokensUsage.as_view(), name="tokens_usage"),
    path("deployments/<int:pk>/capture", captures.DeploymentCapture.as_view(), name="deployment_capture"),
    path("deployments/<int:pk>/shadow", captures.DeploymentShadow.as_view(), name="deployment_shadow"),
    path("predictions/batch", batches.Batch.as_view(), name="batch"),
    path("predictions/batch/<int:job_id>/resume", batches.GoOn.as_view(), name="batch_go_on"),
    path("predictions/batch/<int:job_id>/results", batches.Results.as_view(), name="batch_results"),
    path("predictions/batch/<int:job_id>/results.ndjson", batches.Ndjson.as_view(), name="batch_ndjson"),
    path("predictions/batch/<int:job_id>/results.json", batches.Coco.as_view(), name="batch_coco"),
    path("predictions/batch/<int:job_id>/images/<int:number>", batches.Drawn.as_view(), name="batch_image"),
    path("predictions/batch/<int:job_id>/tracks", videos.Tracks.as_view(), name="batch_tracks"),
    path("predictions/batch/<int:job_id>/tracks.csv", videos.TracksFile.as_view(), name="batch_tracks_file"),
    path("predictions/batch/<int:job_id>/video", videos.DrawnVideo.as_view(), name="batch_video"),
    *router.urls,
    path("<path:rest>", core.NoSuchCall.as_view()),
]

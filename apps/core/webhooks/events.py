"""What can be told."""

EVENTS = {
    "training.finished": "A training ran to its end and its model is stored",
    "training.failed": "A training failed",
    "model.deployed": "A model answers: it was deployed, or switched behind a deployment",
    "import.finished": "An import of images and labels is done",
    "import.failed": "An import failed",
    "export.finished": "An export of a dataset or a model is done",
    "export.failed": "An export failed",
    "review.asked": "Somebody asks for a review of labels",
}
TEST = "test"
KINDS = {"import": "import", "export": "export", "model export": "export"}  # of jobs, and how their events begin


def event_of(job):
    """The event that a job's end is, or None."""
    ends = {job.Status.COMPLETED: "finished", job.Status.FAILED: "failed"}
    return f"{KINDS[job.kind]}.{ends[job.status]}" if job.kind in KINDS and job.status in ends else None


def job_in_short(job):
    """What is told of a job: its id, and what came out or went wrong."""
    return {
        "job_id": job.pk, "kind": job.kind, "status": job.status, "subject": job.subject, "error": job.error_message,
        "figures": job.result.get("figures", {}), "api": f"/api/v1/jobs/{job.pk}", "page": f"/jobs/{job.pk}/",
    }  # fmt: skip

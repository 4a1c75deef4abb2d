"""The button that asks for a review."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.annotations.services.reviews import NothingToReview, ask_for_review
from apps.core.access import Right
from apps.datasets.access import get_dataset


@login_required
@require_POST
def review_ask(request, pk):
    dataset = get_dataset(request.user, pk, Right.LABEL)
    try:
        waiting = ask_for_review(dataset, request.user, request.POST.get("note", "")[:500])
    except NothingToReview as reason:
        messages.error(request, str(reason))
    else:
        images = "1 image waits" if waiting == 1 else f"{waiting} images wait"
        messages.success(request, f"Review is asked for: {images}. Webhooks that want to know it are told.")
    return redirect("datasets:dataset_detail", pk)

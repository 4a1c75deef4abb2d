"""The exports on a model's page: what there is, what can be made here, making and deleting."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.models import services
from apps.models.access import exports_of, get_export, get_export_to_edit, get_model, get_model_to_edit, may_edit
from apps.models.export_api import export_response
from apps.models.export_formats import export_formats
from apps.models.forms import ExportForm


@login_required
def exports(request, pk):
    """The section of the model's page; `?part=list` the rows alone, `?part=options` the options of a format."""
    model = get_model(request.user, pk)
    part = request.GET.get("part", "")
    if part == "options":
        formats = export_formats()
        chosen = formats.get(request.GET.get("format", ""))
        context = {"model": model, "chosen": chosen if chosen and chosen.can else None}
        return render(request, "models/exports.html#options", context)
    return _section(request, model, part="#list" if part == "list" else "")


@login_required
@require_POST
def export_start(request, pk):
    model = get_model_to_edit(request.user, pk)
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _answer(request, model, _in_words(form))
    try:
        row = services.start_export(model, request.user, **form.cleaned_data)
    except services.ExportRefused as refused:
        return _answer(request, model, str(refused))
    return _answer(request, model, "" if row.is_running else "This export is there already, of these weights.")


@login_required
@require_POST
def export_again(request, pk, export_id):
    row = get_export_to_edit(request.user, pk, export_id)
    options = {name: getattr(row, name) for name in ("format", "precision", "img_size", "dynamic", "nms")}
    try:
        services.start_export(row.model, request.user, again=True, **options)
    except services.ExportRefused as refused:
        return _answer(request, row.model, str(refused))
    return _answer(request, row.model)


@login_required
@require_POST
def export_delete(request, pk, export_id):
    row = get_export_to_edit(request.user, pk, export_id)
    services.delete_export(row, request.user)
    return _answer(request, row.model)


@login_required
def export_file(request, pk, export_id):
    return export_response(request, get_export(request.user, pk, export_id))


def _in_words(form):
    return " ".join(f"{form.fields[name].label or name}: {' '.join(said)}" for name, said in form.errors.items())


def _answer(request, model, error=""):
    """The section anew; without HTMX, the model's page."""
    if request.htmx:
        return _section(request, model, error=error)
    if error:
        messages.error(request, error)
    return redirect(f"{reverse('models:model_detail', args=[model.pk])}#exports")


def _section(request, model, part="", error=""):
    formats = export_formats()
    rows = exports_of(model)
    for row in rows:
        row.known, row.why = formats.get(row.format), services.reason_of(row)
    can = [row for row in formats.values() if row.can]
    context = {
        "model": model, "rows": rows, "is_running": any(row.is_running for row in rows), "error": error,
        "can_edit": may_edit(request.user, model), "can": can, "cannot": [f for f in formats.values() if not f.can],
        "is_pt": model.format == model.Format.PT,
        "has_figures": any(row.figures.get("export") for row in rows),
        "chosen": next((row for row in can if row.key == "onnx"), can[0] if can else None),
    }  # fmt: skip
    return render(request, f"models/exports.html{part}", context)

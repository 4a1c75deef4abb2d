"""The page on which a dataset or a model is given to a team, or taken out of one: the same for both."""

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts.teams.forms import TransferForm
from apps.core.access import Right, check
from apps.core.belongings import KINDS, TransferRefused, all_of, counted, hand_over, in_words


def transfer_page(request, kind, row, back, template_context):
    """GET shows what goes along; POST does it and leads back to the row, or, where it is gone from sight, to its list.

    `row` is what changes hands, of `kind`; the asker must own it. `back`: (name of its page, arguments).
    """
    check(request.user, Right.MANAGE, row)
    parts = all_of(kind, row)
    models = next((part for part in parts if part.kind == "line" and kind != "line"), None)
    form = TransferForm(request.POST or None, user=request.user, row=row, has_models=models is not None)
    if request.method == "POST" and form.is_valid():
        spared = () if form.cleaned_data.get("with_models", True) else ("line",)
        try:
            hand_over(request.user, kind, row, form.team(), spared)
        except TransferRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"“{row}” belongs to {form.team() or 'you'} now.")
            return redirect(*back)
    context = {
        "form": form, "row": row, "kind": KINDS[kind].one, "along": in_words(parts, kind),
        "without_models": in_words(all_of(kind, row, ("line",)), kind),
        "models": models and counted({models: len(parts[models])})[0],
    }  # fmt: skip
    return render(request, "teams/transfer.html", context | template_context, status=400 if form.errors else 200)

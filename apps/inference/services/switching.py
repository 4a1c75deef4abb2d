"""Switching a deployment to another version of a model: built, judged against what is live, then swapped.

What answers changes in one conditional UPDATE, together with the row that says so. The old runtime stays loaded: each
web process answers with it until the new one is loaded and warm there (see `answering.model_answering`).
"""

from dataclasses import asdict

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.core import audit, work
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.inference.class_places import translated
from apps.inference.models import Deployment, Switch, as_built
from apps.inference.services.answering import NotServed, runtime_of
from apps.inference.services.building import build, is_built
from apps.inference.services.choices import Choice, ChoiceRefused, check_choice, choice_of
from apps.inference.services.chosen_builds import BuildRefused, build_chosen
from apps.inference.services.deployments import bring_first, gate_on, ground_of, lock_deployment, update_deployment
from apps.inference.services.judging import judge, verdict
from apps.inference.services.quantizing import INT8_FALL
from apps.inference.services.telling import tell_deployed
from apps.models import services as models
from apps.models.models import TrainedModel

TASK = "apps.inference.tasks.switch"
NO_GROUND = (
    "There are no labelled images to judge it on. Choose a dataset version and a split with labels in the gate's "
    "settings, or overrule the gate with a reason."
)
BROUGHT_MEANWHILE = "Another version was brought behind this deployment meanwhile. Look at it, and switch again."


class SwitchRefused(ValueError):
    """The deployment cannot be switched so; the message says why and what to do."""


def start_switch(deployment, model, user, overrule="", choice=None, version=None):
    """Bring `model` behind the deployment; returns the Switch, done at once where nothing was live and it is built.

    `overrule` is the owner's reason to switch whatever the gate says; `choice` how it is to be served (None: as what
    answers now is). The model that answers may be brought in another way. `version` is the dataset version to build and
    judge it on, and is the gate's from then on. Raises SwitchRefused, ChoiceRefused.
    """
    with transaction.atomic():
        deployment = lock_deployment(deployment, model)
        model = _to_bring(model)
        wanted = choice_of(deployment) if choice is None else choice
        _check(wanted, model, is_own=choice is not None)
        if deployment.model_id == model.pk and wanted.key(model) == choice_of(deployment).key(model):
            raise SwitchRefused(f"“{model.title}” answers already{', just so' if choice else ''}.")
        running = running_switch(deployment)
        if running and _is_same(running, model, wanted) and version in (None, deployment.gate_version):
            return running
        if running:
            raise SwitchRefused(f"A switch to “{running.new}” is under way. Wait for it, or cancel it.")
        if version and version != deployment.gate_version:
            deployment = update_deployment(deployment, user, **gate_on(version))
        if deployment.model_id is None and is_built(model) and wanted.is_default(model):
            return _first(deployment, model, user)
        switch = Switch.objects.create(
            deployment=deployment, old_id=deployment.model_id, old_build=deployment.build, new=model, by=user,
            overruled=overrule, choice={} if wanted.is_default(model) else asdict(wanted),
        )  # fmt: skip
        switch.job = create_job(
            user,
            "switch",
            TASK,
            subject=f"deployment:{deployment.pk}",
            params={"switch_id": switch.pk},
            about=deployment,
        )
        switch.save(update_fields=["job"])
    return switch


def _to_bring(model):
    """The model as it is now that its line is locked; raises SwitchRefused where it cannot answer."""
    now = TrainedModel.objects.select_related("line").filter(pk=model.pk).first()
    if now is None:
        raise SwitchRefused(f"“{model.title}” was deleted meanwhile.")
    try:
        models.check_deployable(now)
    except models.NotDeployable as reason:
        raise SwitchRefused(str(reason)) from None
    return now


def _is_same(running, model, choice):
    """Whether the switch that is under way brings this very model in this very way."""
    return running.new_id == model.pk and Choice(**running.choice).key(model) == choice.key(model)


def _check(choice, model, is_own):
    """Raise where `model` cannot be served so; in words that fit, where it was chosen for the model before."""
    try:
        check_choice(choice, model)
    except ChoiceRefused as refused:
        if is_own:
            raise
        raise SwitchRefused(f"“{model.title}” cannot be served as what answers now: {refused}") from None


def _first(deployment, model, user):
    """Nothing is live, so there is nothing to judge it against."""
    models.mark_deployed(model, model.serving_file.name, model.serving, timezone.now())
    bring_first(deployment, model, user)
    tell_deployed(model, deployment)
    return deployment.switches.first()


def running_switch(deployment):
    """The switch whose job is under way, or None."""
    waiting = deployment.switches.filter(state=Switch.State.WAITING, job__status__in=Job.ACTIVE)
    return waiting.select_related("new__line", "job").first()


def cancel_switch(deployment):
    """End the switch that is under way; what is live stays."""
    running = running_switch(deployment)
    if running:
        work.cancel(running.job)


def go_back(deployment, user):
    """The version before answers again, at once and without a gate; returns the Switch. Raises SwitchRefused."""
    try:
        with transaction.atomic():
            known, deployment = deployment, lock_deployment(deployment, deployment.previous)
            if _sides(known) != _sides(deployment):
                raise SwitchRefused(BROUGHT_MEANWHILE)  # somebody else went back: twice would be forth again
            model, build = _before(deployment)
            switch = Switch.objects.create(
                deployment=deployment, old=deployment.model, old_build=deployment.build, new=model, new_build=build,
                by=user, is_return=True,
            )  # fmt: skip
            _swap(switch)
    except WorkFailed as reason:
        raise SwitchRefused(str(reason)) from None
    switch.refresh_from_db()
    return switch


def _sides(deployment):
    """What answers, and what did before."""
    return deployment.model_id, deployment.build_id, deployment.previous_id, deployment.previous_build_id


def _before(deployment):
    """(model, its build) that answered before, ready to answer again; raises SwitchRefused."""
    model, build = deployment.previous, deployment.previous_build
    if model is None:
        raise SwitchRefused("There is no version before this one to go back to.")
    if not is_built(model) or (build and not default_storage.exists(build.file.name)):
        raise SwitchRefused(f"What serves “{model.title}” is not kept any more. Switch to it: that builds it again.")
    return model, build


def run_switch(job, report):
    """The work of a switch job; safe to run again, and to be killed anywhere."""
    rows = Switch.objects.select_related("deployment__gate_version__dataset", "old__line", "new__line", "old_build")
    switch = rows.filter(pk=job.params["switch_id"]).first()
    if switch is None:
        raise WorkFailed("The deployment is gone.")
    if switch.state == Switch.State.WAITING:
        try:
            _build_judge_swap(switch, job, report)
        except WorkFailed as failure:
            _end(switch, Switch.State.FAILED, str(failure))
            raise
    switch.refresh_from_db()
    return {
        "switch_id": switch.pk, "deployment_id": switch.deployment_id, "state": switch.state,
        "words": _told(switch),
        "page_url": f"/deployments/{switch.deployment_id}", "page_words": "See the deployment",
    }  # fmt: skip


def _told(switch):
    """What came of it, in words."""
    if switch.state != Switch.State.DONE:
        return switch.reason
    why = f" The gate was overruled: {switch.overruled}" if switch.overruled else ""
    return f"“{switch.deployment.name}” is answered by “{switch.new}” now.{why}"


def _build_judge_swap(switch, job, report):
    if switch.new is None:
        raise WorkFailed("The model was deleted meanwhile.")
    ground = ground_of(switch.deployment, switch.old, switch.new)
    if not is_built(switch.new):
        build(switch.new, _Part(report, 0, 0.25 if switch.choice else 0.5), ground)
    if switch.choice:
        try:
            switch.new_build = build_chosen(switch.new, Choice(**switch.choice), ground, _Part(report, 0.25, 0.5))
        except BuildRefused as refused:
            report.check()
            _end(switch, Switch.State.BLOCKED, str(refused), is_final=True)
            return
        switch.save(update_fields=["new_build"])
    reason = _ask_the_gate(switch, ground, _Part(report, 0.5, 0.98)) if switch.old_id else ""
    if reason and not switch.overruled:
        report.check()
        _end(switch, Switch.State.BLOCKED, reason)
        return
    _load(as_built(switch.new, switch.new_build))
    with transaction.atomic():
        work.update_running(job, message="Swapping")  # who cancelled it before this wins
        _swap(switch, reason)


class _Part:
    """A stretch of a job's progress, reported as 0 to 1."""

    def __init__(self, report, start, end):
        self._report, self._start, self._share, self.check = report, start, end - start, report.check

    def __call__(self, progress, message=""):
        self._report(self._start + self._share * progress, message)


def _ask_the_gate(switch, ground, report):
    """Why the gate blocks, or nothing; what it measured is kept with the switch."""
    if switch.old is None or ground is None:
        return NO_GROUND
    version, split = ground
    judgement = _known(switch, version, split)
    if judgement is None:
        try:
            judgement = judge(
                as_built(switch.old, switch.old_build), as_built(switch.new, switch.new_build), version, split, report
            )
        except NotServed as reason:
            return f"They cannot be judged side by side: {reason}"[:400]
    if judgement is None:
        return NO_GROUND
    judgement |= {"max_fall": _accepted_fall(switch)}
    report.check()
    Switch.objects.filter(pk=switch.pk).update(judgement=judgement)
    return verdict(judgement)


def _accepted_fall(switch):
    """As the deployment has it; int8 of the very model that answers may lose as much as int8 may."""
    fall = switch.deployment.max_fall
    is_quantized = switch.old_id == switch.new_id and switch.choice.get("precision") == "int8"
    return max(fall, INT8_FALL) if is_quantized else fall


def _known(switch, version, split):
    """The newest judgement of the same two builds on the same images, or None: to overrule needs no second one."""
    rows = switch.deployment.switches.filter(old=switch.old, new=switch.new).exclude(judgement={})
    known = rows.values_list("judgement", flat=True).first()
    if known is None:
        return None
    live, new = as_built(switch.old, switch.old_build), as_built(switch.new, switch.new_build)
    if "masks" not in known and "segment" in (live.task, new.task):
        return None  # of a time when masks were not judged
    same = _is_of(known["live"], live) and _is_of(known["new"], new)
    return known if same and (known["version_id"], known["split"]) == (version.pk, split) else None


def _is_of(figures, model):
    """Whether they were measured of this very build: one file serves as f32 and as bf16."""
    return (figures["file"], figures.get("precision")) == (model.serving_file.name, model.serving.get("precision"))


def _load(model):
    """What serves it can be read, and answers, before it gets a question of anybody's."""
    try:
        runtime = runtime_of(model)
        runtime.warm(runtime.imgsz, runtime.imgsz)
    except NotServed as reason:
        raise WorkFailed(str(reason)) from None


def _swap(switch, reason=""):
    """One conditional UPDATE; to be called inside a transaction. Raises WorkFailed where something else came first."""
    new, now = switch.new, timezone.now()
    models.lock_lines(switch.old, new)
    try:
        models.mark_deployed(new, new.serving_file.name, new.serving, now)
    except models.NotDeployable as refused:
        raise WorkFailed(str(refused)) from None
    if switch.old_id is None:
        if not bring_first(switch.deployment, new, None, switch):
            raise WorkFailed(BROUGHT_MEANWHILE)
        tell_deployed(new, switch.deployment)
        return
    rows = Deployment.objects.filter(pk=switch.deployment_id, model=switch.old_id, build=switch.old_build_id)
    known = rows.select_for_update(no_key=True).values("defaults", "shadow").first()
    now_there = known or {"defaults": {}, "shadow": None}
    values = {"defaults": carried_over(now_there["defaults"], switch.old, new)}
    if now_there["shadow"] == new.pk:  # it answers now: it is nobody's shadow any more
        values["shadow"] = None
    values |= {"build": switch.new_build_id, "previous_build": switch.old_build_id}
    if not rows.update(model=new, previous=switch.old_id, updated_at=now, **values):
        raise WorkFailed(BROUGHT_MEANWHILE)
    if not _end(switch, Switch.State.DONE, reason, switched_at=now):
        raise WorkFailed("This switch has ended already.")
    models.follow_deployments(switch.old, new)
    tell_deployed(new, switch.deployment)
    audit.record(
        switch.by, "switched a deployment", switch.deployment, switch.deployment.team_id, before=str(switch.old),
        now=str(new), overruled=switch.overruled,
    )  # fmt: skip


def carried_over(defaults, old, new):
    """A deployment's defaults where another model answers: what names classes means the ones of the same name."""
    if old is None or old.class_names == new.class_names:
        return defaults
    return translated(defaults, old.class_names, new.class_names)


def _end(switch, state, reason="", **values):
    """Move a waiting switch to its end; True where this call did it."""
    overruled = switch.overruled if reason and state == Switch.State.DONE else ""
    rows = Switch.objects.filter(pk=switch.pk, state=Switch.State.WAITING)
    return bool(rows.update(state=state, reason=reason[:400], overruled=overruled, **values))

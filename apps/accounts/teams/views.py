"""Pages about teams: one's own, one with its people, joining, what happened."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import words_against_registration
from apps.accounts.mail import site_of
from apps.accounts.services.links import LinkRefused
from apps.accounts.teams import invitations, services
from apps.accounts.teams.access import get_team, teams_visible_to
from apps.accounts.teams.forms import InviteForm, NameForm
from apps.accounts.teams.models import Role
from apps.accounts.teams.services import TeamRefused
from apps.core.access import Right, right_in_team, rights_in_teams
from apps.core.belongings import counted, left_in
from apps.core.models import AuditEvent
from apps.core.quotas import storage_of
from apps.core.webhooks.views import list_page

EVENTS_A_PAGE = 50


@login_required
def team_list(request):
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            team = services.create_team(request.user, form.cleaned_data["name"])
        except TeamRefused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, f"The team “{team}” is made. Invite the others.")
            return redirect("teams:team_detail", team.pk)
    teams = teams_visible_to(request.user).annotate(num_members=Count("memberships"))
    roles = {one.team_id: one.get_role_display() for one in request.user.memberships.all()}
    for team in teams:
        team.my_role = roles.get(team.pk, "").partition(":")[0]
    context = {"teams": teams, "form": form}
    return render(request, "teams/team_list.html", context, status=400 if form.errors else 200)


@login_required
def team_detail(request, pk):
    return _page(request, get_team(request.user, pk))


def _page(request, team, status=200, **more):
    right = right_in_team(request.user, team.pk)
    roles = services.roles_to_give(request.user, team)
    members = list(team.memberships.select_related("user").order_by("user__username"))
    for one in members:
        one.can_change = bool(roles) and (right >= Right.MANAGE or one.role != Role.OWNER)
    context = {
        "team": team, "members": members, "roles": roles, "can_invite": right >= Right.EDIT,
        "is_owner": right >= Right.MANAGE, "is_member": team.pk in rights_in_teams(request.user),
        "storage": storage_of(team_id=team.pk),
        "left": [(counted({part: count})[0], reverse(part.page)) for part, count in left_in(team)],
    }  # fmt: skip
    if context["can_invite"]:
        context |= {"invite_form": InviteForm(roles=roles), "pending": invitations.pending(team)}
        context["strangers"] = words_against_registration(by=invitations.PURPOSE)
    if context["is_owner"]:
        context["name_form"] = NameForm(initial={"name": team.name})
    return render(request, "teams/team_detail.html", context | more, status=status)


@login_required
@require_POST
def team_rename(request, pk):
    team = get_team(request.user, pk, Right.MANAGE)
    form = NameForm(request.POST)
    if form.is_valid():
        _said(request, "Saved.", services.rename_team, request.user, team, form.cleaned_data["name"])
    else:
        messages.error(request, f"The name stays: {' '.join(form.errors['name'])}")
    return redirect("teams:team_detail", pk)


@login_required
@require_POST
def team_delete(request, pk):
    team = get_team(request.user, pk, Right.MANAGE)
    done = _said(request, f"The team “{team}” is deleted.", services.delete_team, request.user, team)
    return redirect("teams:team_list") if done else redirect("teams:team_detail", pk)


@login_required
@require_POST
def member_role(request, pk, user_id):
    team = get_team(request.user, pk, Right.EDIT)
    role = request.POST.get("role", "")
    if role in Role.values:
        _said(request, "The role is changed.", services.set_role, request.user, team, user_id, role)
    else:
        messages.error(request, f"Roles are {', '.join(Role.values)}.")
    return redirect("teams:team_detail", pk)


@login_required
@require_POST
def member_remove(request, pk, user_id):
    team = get_team(request.user, pk, Right.EDIT)
    _said(request, "They are out of the team.", services.remove_member, request.user, team, user_id)
    return redirect("teams:team_detail", pk)


@login_required
@require_POST
def leave(request, pk):
    team = get_team(request.user, pk)
    words = f"You have left “{team}”."
    done = _said(request, words, services.remove_member, request.user, team, request.user.pk)
    return redirect("teams:team_list") if done else redirect("teams:team_detail", pk)


@login_required
@require_POST
def invite(request, pk):
    """A link: by mail where that is set up and an address is given, else shown once, to be handed on."""
    team = get_team(request.user, pk, Right.EDIT)
    form = InviteForm(request.POST, roles=services.roles_to_give(request.user, team))
    if form.is_valid():
        try:
            row, key = invitations.invite(request.user, team, **form.cleaned_data, site=site_of(request))
        except TeamRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            if key is not None:
                return _page(request, team, address=site_of(request) + reverse("teams:join", args=[key]), row=row)
            messages.success(request, f"An invitation is on its way to {row.link.email}.")
            return redirect("teams:team_detail", pk)
    return _page(request, team, status=400, invite_form=form)


@login_required
@require_POST
def invitation_withdraw(request, pk, invitation_id):
    team = get_team(request.user, pk, Right.EDIT)
    row = get_object_or_404(team.invitations.select_related("link", "team"), pk=invitation_id)
    if invitations.withdraw(request.user, row):
        messages.success(request, "The invitation is withdrawn: its link opens nothing any more.")
    else:
        messages.error(request, "This invitation was used or withdrawn before.")
    return redirect("teams:team_detail", pk)


def join(request, key):
    """What an invitation is to, and the button that takes it; for who is not signed in, the ways to an account."""
    if request.method == "POST" and not request.user.is_authenticated:
        return redirect_to_login(request.path)
    try:
        if request.method == "POST":
            member = invitations.accept(request.user, key)
            messages.success(request, f"You are in the team “{member.team}” now, as {member.role}.")
            return redirect("teams:team_detail", member.team_id)
        words = words_against_registration(by=invitations.PURPOSE)
        return render(request, "teams/join.html", {"row": invitations.find_invitation(key), "key": key, "words": words})
    except LinkRefused as refused:
        return render(request, "accounts/link_refused.html", {"words": refused}, status=410)


@login_required
def webhooks(request, pk):
    """What programs are told of what happens to the team's; for its owners."""
    return list_page(request, get_team(request.user, pk, Right.MANAGE))


@login_required
def events(request, pk):
    """What happened in a team, for its admins."""
    team = get_team(request.user, pk, Right.EDIT)
    search = request.GET.get("search", "")[:120]
    page = Paginator(found_events(team, search), EVENTS_A_PAGE).get_page(request.GET.get("page"))
    part = "#rows" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"teams/events.html{part}", {"team": team, "page": page, "search": search})


def found_events(team, search):
    """The events of a team, newest first; each word must be in the person, in what was done or to what."""
    rows = AuditEvent.objects.filter(team_id=team.pk)
    for word in search.split():
        rows = rows.filter(Q(actor_name__icontains=word) | Q(verb__icontains=word) | Q(subject_name__icontains=word))
    return rows


def _said(request, words, do, *args):
    """Do it and say so; False where it was refused, which is said too."""
    try:
        do(*args)
    except TeamRefused as refused:
        messages.error(request, str(refused))
        return False
    messages.success(request, words)
    return True

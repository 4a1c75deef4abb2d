"""What lists offer to choose from of one's teams."""

from django import template

from apps.accounts.teams.access import teams_visible_to

register = template.Library()
MOST = 200


@register.inclusion_tag("teams/filter.html")
def team_filter(user, query):
    """The choice of a team to narrow a list to; nothing for who is in none."""
    return {"teams": teams_visible_to(user)[:MOST], "chosen": query.get("team", "")}

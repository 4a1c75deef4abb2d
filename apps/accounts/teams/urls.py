from django.urls import path

from apps.accounts.teams import views

app_name = "teams"
urlpatterns = [
    path("", views.team_list, name="team_list"),
    path("join/<str:key>", views.join, name="join"),
    path("<int:pk>", views.team_detail, name="team_detail"),
    path("<int:pk>/rename", views.team_rename, name="team_rename"),
    path("<int:pk>/delete", views.team_delete, name="team_delete"),
    path("<int:pk>/leave", views.leave, name="leave"),
    path("<int:pk>/invite", views.invite, name="invite"),
    path("<int:pk>/invitations/<int:invitation_id>/withdraw", views.invitation_withdraw, name="invitation_withdraw"),
    path("<int:pk>/members/<int:user_id>/role", views.member_role, name="member_role"),
    path("<int:pk>/members/<int:user_id>/remove", views.member_remove, name="member_remove"),
    path("<int:pk>/webhooks", views.webhooks, name="webhooks"),
    path("<int:pk>/events", views.events, name="events"),
]

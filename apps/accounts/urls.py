from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from apps.accounts import views
from apps.accounts.forms import SignInForm

app_name = "accounts"
sign_in = LoginView.as_view(
    template_name="accounts/sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
)
urlpatterns = [
    path("register", views.register, name="register"),
    path("sign-in", sign_in, name="sign_in"),
    path("sign-out", LogoutView.as_view(), name="sign_out"),
    path("tokens", views.token_list, name="token_list"),
    path("tokens/<int:pk>/quota", views.token_quota, name="token_quota"),
    path("tokens/<int:pk>/revoke", views.token_revoke, name="token_revoke"),
]

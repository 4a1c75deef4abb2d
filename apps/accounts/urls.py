from django.urls import path

from apps.accounts.throttling import bounded
from apps.accounts.views import account, passwords, registration, second_step, sessions, sign_in, tokens

app_name = "accounts"
urlpatterns = [
    path("", account.account, name="account"),
    path("password", bounded(account.password_change), name="password_change"),
    path("register", bounded(registration.register), name="register"),
    path("invitation/<str:key>", bounded(registration.register_invited), name="register_invited"),
    path("verify/<str:proof>", bounded(registration.verify_email), name="verify_email"),
    path("verify", bounded(registration.send_email_proof), name="send_email_proof"),
    path("invitations", registration.invitation_list, name="invitation_list"),
    path("invitations/<int:pk>/renew", registration.invitation_renew, name="invitation_renew"),
    path("invitations/<int:pk>/withdraw", registration.invitation_withdraw, name="invitation_withdraw"),
    path("sign-in", bounded(sign_in.SignIn.as_view()), name="sign_in"),
    path("sign-out", sign_in.SignOut.as_view(), name="sign_out"),
    path("sign-in/code", bounded(second_step.second_step), name="second_step"),
    path("second-step", second_step.totp_detail, name="totp"),
    path("second-step/start", second_step.totp_start, name="totp_start"),
    path("second-step/confirm", bounded(second_step.totp_confirm), name="totp_confirm"),
    path("second-step/codes", bounded(second_step.totp_codes), name="totp_codes"),
    path("second-step/off", bounded(second_step.totp_off), name="totp_off"),
    path("sessions", sessions.session_list, name="session_list"),
    path("sessions/<int:pk>/end", sessions.session_end, name="session_end"),
    path("sessions/end-others", sessions.sign_out_everywhere, name="sign_out_everywhere"),
    path("forgotten", bounded(passwords.PasswordForgotten.as_view()), name="password_forgotten"),
    path("forgotten/sent", passwords.PasswordForgottenSent.as_view(), name="password_forgotten_sent"),
    path("reset/<uidb64>/<token>", bounded(passwords.PasswordReset.as_view()), name="password_reset_confirm"),
    path("tokens", tokens.token_list, name="token_list"),
    path("tokens/<int:pk>/quota", tokens.token_quota, name="token_quota"),
    path("tokens/<int:pk>/revoke", tokens.token_revoke, name="token_revoke"),
]

"""Signing in and out, what is one's own, and the staff."""

from django.urls import path
from django.views.generic import RedirectView

from backoffice.accounts.views import me, proof, security, sign_in, staff

urlpatterns = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-in/code/", sign_in.SecondStep.as_view(), name="sign-in-code"),
    path("sign-in/set-up/", sign_in.SetUpAtSignIn.as_view(), name="sign-in-set-up"),
    path("sign-in/passkey/", sign_in.PasskeyOptions.as_view(), name="sign-in-passkey"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign-out"),
    path("me/", RedirectView.as_view(pattern_name="profile"), name="me"),
    path("me/profile/", me.Profile.as_view(), name="profile"),
    path("me/shortcuts/", me.Shortcuts.as_view(), name="shortcuts"),
    path("me/appearance/", me.appearance, name="appearance"),
    path("me/confirm/", proof.Confirm.as_view(), name="confirm"),
    path("me/security/", security.Security.as_view(), name="security"),
    path("me/security/app/", security.AddApp.as_view(), name="add-app"),
    path("me/security/app/remove/", security.remove_app, name="remove-app"),
    path("me/security/codes/", security.new_codes, name="new-codes"),
    path("me/security/password/", security.ChangePassword.as_view(), name="change-password"),
    path("me/security/passkeys/options/", security.passkey_options, name="passkey-options"),
    path("me/security/passkeys/<int:pk>/remove/", security.remove_passkey, name="remove-passkey"),
    path("me/security/sessions/end/", security.end_sessions, name="end-sessions"),
    path("staff/", staff.Staff.as_view(), name="staff"),
]

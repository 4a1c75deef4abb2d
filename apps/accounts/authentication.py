"""Who is calling the API: a JWT, an API token, or the browser's session; and what its scope allows."""

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission

from apps.accounts import guessing
from apps.accounts.access import ONLY_LOOK
from apps.accounts.models import ApiToken, hash_token
from apps.accounts.services.tokens import note_use
from apps.core.prepared import Prepared

TOKEN_WITH_USER = Prepared(lambda key_hash: ApiToken.objects.select_related("user").filter(key_hash=key_hash), str)


class ApiTokenAuthentication(BaseAuthentication):
    """`Authorization: Token <key>`; request.auth is the ApiToken."""

    def authenticate(self, request):
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"token":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("Write the header as: Authorization: Token <key>")
        key_hash = hash_token(words[1].decode(errors="replace"))
        guessing.refuse_unknown_key(request, key_hash)
        token = TOKEN_WITH_USER.first(key_hash)
        if token is None or not token.user.is_active:
            raise AuthenticationFailed("This token is not known, or was revoked.")
        if token.is_expired:
            raise AuthenticationFailed("This token has expired.")
        guessing.note_good(key_hash)
        note_use(token)
        return token.user, token

    def authenticate_header(self, request):
        return "Token"


class BrowserSessionAuthentication(SessionAuthentication):
    """The browser's session, with its CSRF check."""


class IsSignedInWithScope(BasePermission):
    """Signed in, and for an API token within its scope: `read` to look, `infer` to predict, `write` for the rest.

    A view that needs another scope than its method says names it as `required_scope`; one with `open_to_unverified`
    is open to people whose address is not verified, too.
    """

    def has_permission(self, request, view):
        if not (request.user and request.user.is_authenticated):
            return False
        if (
            request.user.may_only_look
            and request.method not in SAFE_METHODS
            and not getattr(view, "open_to_unverified", False)
        ):
            self.message = ONLY_LOOK
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        needed = getattr(view, "required_scope", None) or ("read" if request.method in SAFE_METHODS else "write")
        self.message = f"This token's scope is “{request.auth.scope}”; this call needs “{needed}”."
        return needed in request.auth.scopes


class ApiTokenScheme(OpenApiAuthenticationExtension):
    target_class = "apps.accounts.authentication.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token <API token>"}


class PersonJwtScheme(SimpleJWTScheme):
    target_class = "apps.accounts.jwts.PersonJWT"


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "apps.accounts.authentication.BrowserSessionAuthentication"
    name = "browserSession"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}

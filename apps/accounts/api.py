"""The API's `auth/`."""

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.views import TokenRefreshView, TokenVerifyView

from apps.accounts import access, services
from apps.accounts.models import ApiToken
from apps.accounts.serializers import (
    ApiTokenSerializer,
    KeymapSerializer,
    LoginSerializer,
    LogoutSerializer,
    NewApiTokenSerializer,
    PasswordSerializer,
    QuotaSerializer,
    RefreshSerializer,
    RegisterSerializer,
    TokenPairSerializer,
    UserSerializer,
    VerifySerializer,
    token_pair,
)
from apps.accounts.throttling import SignInThrottle
from apps.core import audit


def refuse_token(request, what):
    """PermissionDenied for an API token: whoever has one must not come to own the account, or to outlive the token."""
    if isinstance(request.auth, ApiToken):
        raise PermissionDenied(f"An API token cannot change {what}. Sign in as a person for it.")


class Register(APIView):
    """A new account."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [SignInThrottle]

    @extend_schema(request=RegisterSerializer, responses={201: UserSerializer})
    def post(self, request):
        access.refuse_registration(by="registration")  # where it is closed nothing else matters
        serializer = RegisterSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        key = serializer.validated_data.get("invitation")
        access.refuse_registration(by=key and (services.purpose_of(key) or "registration"))
        return Response(UserSerializer(serializer.save()).data, status=status.HTTP_201_CREATED)


class Login(APIView):
    """Username or email and password for a pair of JWTs."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [SignInThrottle]

    @extend_schema(request=LoginSerializer, responses=TokenPairSerializer)
    def post(self, request):
        serializer = LoginSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        user = serializer.validated_data["user"]
        audit.record(user, "signed in", user, by="API")
        return Response(token_pair(user))

    def get_authenticate_header(self, request):
        return "Bearer"


class Refresh(TokenRefreshView):
    """The next pair for a refresh token, which is good once: a second use ends all that came from its sign-in."""

    serializer_class = RefreshSerializer


class Verify(TokenVerifyView):
    """200 where a token is good, else 401."""

    serializer_class = VerifySerializer


class Logout(APIView):
    """The end of a sign-in: its refresh tokens are good no more; its access token ends by itself, within minutes."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=LogoutSerializer, responses={204: None})
    def post(self, request):
        serializer = LogoutSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            services.end_jwts(serializer.validated_data["refresh"])
        except TokenError as error:
            raise InvalidToken(str(error)) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    def get_authenticate_header(self, request):
        return "Bearer"


class Me(generics.RetrieveUpdateAPIView):
    """Who I am."""

    open_to_unverified = True

    serializer_class = UserSerializer
    http_method_names = ["get", "patch", "head", "options"]

    def get_object(self):
        return self.request.user

    def perform_update(self, serializer):
        if "email" in serializer.validated_data:  # a link to a new password goes there
            refuse_token(self.request, "the address")
        serializer.save()


class Password(APIView):
    """A new password: every session and JWT of mine ends, also the one that calls; API tokens go on."""

    open_to_unverified = True

    @extend_schema(request=PasswordSerializer, responses={204: None})
    def post(self, request):
        refuse_token(request, "the password")
        serializer = PasswordSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        services.set_password(request.user, serializer.validated_data["new_password"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class Keymap(APIView):
    """My keys of the labelling workspace; empty: the defaults."""

    @extend_schema(responses=KeymapSerializer)
    def get(self, request):
        return Response({"keymap": request.user.keymap})

    @extend_schema(request=KeymapSerializer, responses=KeymapSerializer)
    def put(self, request):
        wanted = KeymapSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.save_keymap(request.user, wanted.validated_data["keymap"])
        return Response(wanted.data)


BY_A_PERSON = [{"jwtAuth": []}, {"browserSession": []}]  # who may manage tokens, for OpenAPI


class Tokens(generics.ListCreateAPIView):
    """My API tokens. The key is in the answer to the POST, and never again; a token makes no tokens (403)."""

    serializer_class = ApiTokenSerializer
    queryset = ApiToken.objects.none()

    def get_queryset(self):
        return self.request.user.api_tokens.all()

    @extend_schema(request=ApiTokenSerializer, responses={201: NewApiTokenSerializer}, auth=BY_A_PERSON)
    def post(self, request):
        refuse_token(request, "API tokens")
        serializer = ApiTokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row, key = services.create_token(request.user, **serializer.validated_data)
        row.token = key
        return Response(NewApiTokenSerializer(row).data, status=status.HTTP_201_CREATED)


class TokenDetail(generics.DestroyAPIView):
    """Change a token's quota, or revoke it; as a person, not with a token (403)."""

    serializer_class = ApiTokenSerializer
    queryset = ApiToken.objects.none()

    def get_queryset(self):
        return self.request.user.api_tokens.all()

    @extend_schema(request=QuotaSerializer, responses=ApiTokenSerializer, auth=BY_A_PERSON)
    def patch(self, request, pk):
        refuse_token(request, "API tokens")
        token = self.get_object()
        wanted = QuotaSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return Response(ApiTokenSerializer(services.set_quota(token, **wanted.validated_data)).data)

    @extend_schema(auth=BY_A_PERSON)
    def delete(self, request, pk):
        refuse_token(request, "API tokens")
        services.revoke_token(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

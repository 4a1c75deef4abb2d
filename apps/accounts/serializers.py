"""What the API says and takes about people."""

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.settings import api_settings as jwt_settings
from rest_framework_simplejwt.tokens import UntypedToken

from apps.accounts import jwts, lockout, services
from apps.accounts.mail import site_of
from apps.accounts.models import SCOPES, ApiToken, User
from apps.accounts.services import totp
from apps.accounts.teams import registration


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "email", "username", "is_active", "is_superuser", "created_at", "updated_at"]
        read_only_fields = ["id", "is_active", "is_superuser", "created_at", "updated_at"]

    def validate_username(self, value):
        value = User.normalize_username(value)
        if "@" in value:
            raise serializers.ValidationError("A username has no @; the email has its own field.")
        return self._free("username", value)

    def validate_email(self, value):
        return self._free("email", value)

    def _free(self, field, value):
        others = User.objects.filter(**{f"{field}__iexact": value})
        if self.instance:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError(f"An account with this {field} exists.")
        return value

    def update(self, instance, validated_data):
        return _unless_taken(services.update_user, instance, site=site_of(self.context["request"]), **validated_data)


class RegisterSerializer(UserSerializer):
    password = serializers.CharField(write_only=True, max_length=256, trim_whitespace=False)
    invitation = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=100,
        help_text="The last part of its link: an operator’s, or one to a team, which is joined.",
    )

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "password", "invitation"]

    def validate(self, data):
        try:
            validate_password(data["password"], User(username=data["username"], email=data["email"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from None
        return data

    def create(self, validated_data):
        try:
            return _unless_taken(registration.register, site=site_of(self.context["request"]), **validated_data)
        except services.LinkRefused as refused:
            raise serializers.ValidationError({"invitation": [str(refused)]}) from None


def _unless_taken(write, *args, **values):
    try:
        return write(*args, **values)
    except services.NameTaken as taken:
        raise serializers.ValidationError(str(taken)) from None


class LoginSerializer(serializers.Serializer):
    username = serializers.CharField(required=False, max_length=254)
    email = serializers.CharField(required=False, max_length=254)
    password = serializers.CharField(write_only=True, max_length=256, trim_whitespace=False)
    otp = serializers.CharField(
        required=False, write_only=True, max_length=20, help_text="The code, where the account has a second step."
    )

    def validate(self, data):
        name = data.get("username") or data.get("email")
        if not name:
            raise serializers.ValidationError({"username": ["Give a username or an email."]})
        user = authenticate(self.context["request"]._request, username=name, password=data["password"])
        if user is None:
            raise AuthenticationFailed("No account has this name and password together.")
        self._second_step(user, data.get("otp"))
        lockout.forget(user, self.context["request"])
        return {"user": user}

    @staticmethod
    def _second_step(user, code):
        if not totp.has_totp(user):
            if settings.OPERATOR_TOTP and user.is_staff:
                raise AuthenticationFailed(
                    "Operators sign in with a second step here: turn it on, on the page Account."
                )
            return
        if not code:
            raise serializers.ValidationError({"otp": ["This account has a second step: give the code of its app."]})
        try:
            totp.check_code(user, code)
        except totp.CodeRefused as refused:
            raise AuthenticationFailed(str(refused)) from None


class RefreshSerializer(serializers.Serializer):
    """A refresh token for the next pair; each is good once."""

    refresh = serializers.CharField()
    access = serializers.CharField(read_only=True)

    def validate(self, data):
        access, refresh = jwts.rotate(data["refresh"])
        return {"access": access, "refresh": refresh}


class VerifySerializer(serializers.Serializer):
    """An access or refresh token."""

    token = serializers.CharField(write_only=True)

    def validate(self, data):
        token = UntypedToken(data["token"])
        if token.get("token_type") == "refresh":
            token = jwts.PersonRefresh(data["token"])
        jwts.person_of(token)
        return {}


class LogoutSerializer(serializers.Serializer):
    """The refresh token of the sign-in that ends."""

    refresh = serializers.CharField(write_only=True)


class PasswordSerializer(serializers.Serializer):
    """One's own password, old and new."""

    password = serializers.CharField(write_only=True, max_length=256, trim_whitespace=False)
    new_password = serializers.CharField(write_only=True, max_length=256, trim_whitespace=False)

    def validate_password(self, value):
        if not self.context["request"].user.check_password(value):
            raise serializers.ValidationError("This is not your password.")
        return value

    def validate_new_password(self, value):
        validate_password(value, self.context["request"].user)
        return value


class TokenPairSerializer(serializers.Serializer):
    """The answer to a login."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)
    token_type = serializers.CharField(read_only=True)
    expires_in = serializers.IntegerField(read_only=True, help_text="Seconds until the access token ends.")


def token_pair(user):
    """A fresh pair of JWTs for `user`, in the shape of TokenPairSerializer."""
    refresh = jwts.PersonRefresh.for_user(user)
    return {
        "access": str(refresh.access_token),
        "refresh": str(refresh),
        "token_type": "bearer",
        "expires_in": int(jwt_settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
    }


class ApiTokenSerializer(serializers.ModelSerializer):
    scope = serializers.CharField(
        default="read infer", help_text=f"One or more of {', '.join(SCOPES)}, apart by spaces."
    )

    class Meta:
        model = ApiToken
        fields = ["id", "name", "hint", "scope", "requests_per_day", "created_at", "expires_at", "last_used_at"]
        read_only_fields = ["id", "hint", "created_at", "last_used_at"]

    def validate_scope(self, value):
        words = value.split()
        unknown = set(words) - set(SCOPES)
        if unknown or not words:
            raise serializers.ValidationError(f"Accepted: {', '.join(SCOPES)}, apart by spaces.")
        return " ".join(scope for scope in SCOPES if scope in words)

    def validate_expires_at(self, value):
        if value and value <= timezone.now():
            raise serializers.ValidationError("This is in the past.")
        return value


class QuotaSerializer(serializers.ModelSerializer):
    """How often a token may ask models on one day; null: as often as it likes."""

    class Meta:
        model = ApiToken
        fields = ["requests_per_day"]
        extra_kwargs = {"requests_per_day": {"required": True}}


class NewApiTokenSerializer(ApiTokenSerializer):
    """A token just made: the only time its key is shown."""

    token = serializers.CharField(read_only=True)

    class Meta(ApiTokenSerializer.Meta):
        fields = [*ApiTokenSerializer.Meta.fields, "token"]


class KeymapSerializer(serializers.Serializer):
    """Keys of the labelling workspace: `{action: [key, …]}`."""

    keymap = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=40), max_length=8), allow_empty=True
    )

    def validate_keymap(self, value):
        if len(value) > 200 or any(len(action) > 60 for action in value):
            raise serializers.ValidationError("At most 200 actions, each with a name of at most 60 characters.")
        return value

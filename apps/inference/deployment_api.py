"""The API's `deployments/`."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import exceptions, generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import JobSerializer
from apps.inference import services
from apps.inference.access import (
    deployments_visible_to,
    get_deployment,
    get_deployment_inside,
    get_deployment_to_edit,
)
from apps.inference.deployment_serializers import (
    BringSerializer,
    DeploymentSerializer,
    NewDeploymentSerializer,
    SwitchSerializer,
)
from apps.inference.models import Deployment, Switch

STARTED = inline_serializer("SwitchStarted", {"switch": SwitchSerializer(), "job": JobSerializer(allow_null=True)})


class Refused(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT


class Deployments(generics.ListCreateAPIView):
    """Names in front of model versions: mine, and public ones."""

    serializer_class = DeploymentSerializer
    queryset = Deployment.objects.none()

    def get_queryset(self):
        return deployments_visible_to(self.request.user)

    @extend_schema(request=NewDeploymentSerializer, responses={201: DeploymentSerializer})
    def post(self, request):
        """A new name. With `model_id` that model is brought behind it: at once where it is built, else by a job.

        `switches` has the job.
        """
        wanted = NewDeploymentSerializer(data=request.data, context={"request": request})
        wanted.is_valid(raise_exception=True)
        values = dict(wanted.validated_data)
        model = values.pop("model")
        serving = values.pop("serving", None)
        deployment = _kept(services.create_deployment, request.user, **values)
        if model:
            try:
                asked = {"model_id": model.pk} | ({"serving": serving} if serving else {})
                _switched(deployment, _bring(deployment, request.user, asked), request.user)
            except exceptions.APIException:
                services.delete_deployment(deployment, request.user)
                raise
        deployment = get_deployment(request.user, deployment.pk)
        shown = DeploymentSerializer(deployment, context={"request": request})
        return Response(shown.data, status=status.HTTP_201_CREATED)


class DeploymentDetail(generics.RetrieveUpdateDestroyAPIView):
    """One deployment; DELETE takes the name away: programs that call it get 404."""

    serializer_class = DeploymentSerializer
    queryset = Deployment.objects.none()
    http_method_names = ["get", "patch", "delete", "head", "options"]

    def get_object(self):
        find = get_deployment_to_edit if self.request.method in ("PATCH", "DELETE") else get_deployment
        return find(self.request.user, self.kwargs["pk"])

    def perform_update(self, serializer):
        _kept(services.update_deployment, serializer.instance, self.request.user, **serializer.validated_data)

    def perform_destroy(self, instance):
        services.delete_deployment(instance, self.request.user)


class Switching(APIView):
    """Bring another version behind a deployment."""

    @extend_schema(request=BringSerializer, responses={202: STARTED})
    def post(self, request, pk):
        """202: it is built where it is not, judged against the live one on the gate's images, and then swapped.

        Where the gate blocks, the switch's `state` is `blocked`, and `overrule` with a reason switches nevertheless.
        """
        deployment = get_deployment_to_edit(request.user, pk)
        asked = _bring(deployment, request.user, request.data)
        return _started(request, _switched(deployment, asked, request.user), status.HTTP_202_ACCEPTED)


class Back(APIView):
    """Bring the version before behind a deployment again: at once, and without a gate."""

    @extend_schema(request=None, responses={200: STARTED})
    def post(self, request, pk):
        try:
            switch = services.go_back(get_deployment_to_edit(request.user, pk), request.user)
        except services.SwitchRefused as refused:
            raise Refused(str(refused)) from None
        return _started(request, switch, status.HTTP_200_OK)


class Switches(generics.ListAPIView):
    """What answered when, and what the gate said; for whose it is."""

    serializer_class = SwitchSerializer
    queryset = Switch.objects.none()

    def get_queryset(self):
        deployment = get_deployment_inside(self.request.user, self.kwargs["pk"])
        return deployment.switches.select_related("old__line", "new__line", "by", "job")


def _bring(deployment, user, data):
    asked = BringSerializer(data=data, context={"deployment": deployment, "user": user})
    asked.is_valid(raise_exception=True)
    return asked


def _switched(deployment, asked, user):
    """The switch that a checked BringSerializer asks for."""
    try:
        overrule = asked.validated_data.get("overrule", "")
        return services.start_switch(deployment, asked.model, user, overrule, asked.choice, asked.version)
    except services.ChoiceRefused as refused:
        raise serializers.ValidationError({"serving": {refused.field: [str(refused)]}}) from None
    except services.SwitchRefused as refused:
        raise Refused(str(refused)) from None


def _started(request, switch, code):
    shown = SwitchSerializer(switch, context={"request": request}).data
    return Response({"switch": shown, "job": JobSerializer(switch.job).data if switch.job else None}, status=code)


def _kept(write, *args, **values):
    try:
        return write(*args, **values)
    except services.DeploymentRefused as refused:
        raise serializers.ValidationError({refused.field: [str(refused)]}) from None

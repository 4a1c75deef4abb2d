"""The API's `datasets/`: datasets, images, splits. Many images at once, and the trash: `bulk_api`."""

from django.core.files.storage import default_storage
from django.db.models import prefetch_related_objects
from django.http import FileResponse, Http404
from django.utils.cache import patch_cache_control
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.teams.api import transferred
from apps.accounts.teams.serializers import TransferSerializer
from apps.core.direct_uploads import is_offered
from apps.core.downloads import download, shown_by_store
from apps.core.images import MIME_TYPES
from apps.core.pagination import ImageCursorPagination
from apps.datasets import services
from apps.datasets.access import (
    get_dataset,
    get_dataset_to_edit,
    get_dataset_to_review,
    get_image,
    get_image_or_trashed,
    get_image_to_edit,
    visible_to,
)
from apps.datasets.filters import DatasetFilter, ImageFilter, images_matching
from apps.datasets.listing import SORTS, ImageList
from apps.datasets.models import Dataset, DatasetImage
from apps.datasets.serializers import (
    DatasetSerializer,
    ImageChangeSerializer,
    ImageSerializer,
    UploadResultSerializer,
    UploadSerializer,
)


@extend_schema_view(update=extend_schema(exclude=True))
class DatasetViewSet(viewsets.ModelViewSet):
    """Datasets that I may see: mine, and public ones."""

    serializer_class = DatasetSerializer
    filterset_class = DatasetFilter
    queryset = Dataset.objects.none()
    lookup_value_regex = "[0-9]{1,18}"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self):
        return visible_to(self.request.user).select_related("owner")

    def get_object(self):
        if self.request.method in ("PATCH", "DELETE"):
            return get_dataset_to_edit(self.request.user, self.kwargs["pk"])
        return get_dataset(self.request.user, self.kwargs["pk"])

    def perform_create(self, serializer):
        serializer.instance = services.create_dataset(self.request.user, **serializer.validated_data)

    def perform_update(self, serializer):
        services.update_dataset(serializer.instance, self.request.user, **serializer.validated_data)

    def perform_destroy(self, instance):
        services.delete_dataset(instance, self.request.user)

    @extend_schema(request=TransferSerializer, responses=DatasetSerializer)
    @action(detail=True, methods=["post"])
    def transfer(self, request, pk):
        """Give it to a team, or (null) to me, with its versions, jobs and trainings. I must own both sides."""
        dataset = transferred(request, "dataset", get_dataset(request.user, pk))
        return Response(DatasetSerializer(dataset, context={"request": request}).data)


class Images(generics.ListAPIView):
    """The images of a dataset; `?cursor=` pages at a cost that does not grow with the position."""

    serializer_class = ImageSerializer
    filterset_class = ImageFilter
    queryset = DatasetImage.objects.none()
    parser_classes = [MultiPartParser]

    def get_queryset(self):
        return DatasetImage.objects.none()  # what the schema's generator looks at

    def filter_queryset(self, queryset):
        dataset, query = get_dataset(self.request.user, self.kwargs["dataset_id"]), self.request.query_params
        if "cursor" not in query:
            return ImageList(dataset, query)
        if query.get("sort") or query.get("similar"):
            raise ValidationError({"cursor": ["Goes by id only: leave sort and similar out, or page by `page`."]})
        return images_matching(dataset, query).defer("signature").prefetch_related("tags")

    @property
    def paginator(self):
        if not hasattr(self, "_paginator"):
            by_cursor = "cursor" in self.request.query_params
            self._paginator = ImageCursorPagination() if by_cursor else self.pagination_class()
        return self._paginator

    @extend_schema(
        parameters=[
            OpenApiParameter("cursor", str, description="Empty for the first page."),
            OpenApiParameter("sort", str, enum=list(SORTS)),
            OpenApiParameter("similar", int, description="The images most like this one, at most 200, nearest first."),
        ]
    )
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses={201: UploadResultSerializer})
    def post(self, request, dataset_id):
        """Upload images. One bad file never fails the others."""
        dataset = get_dataset_to_review(request.user, dataset_id)
        upload = UploadSerializer(data={"files": request.FILES.getlist("files")})
        upload.is_valid(raise_exception=True)
        found = services.add_images(dataset, upload.validated_data["files"])
        prefetch_related_objects(found["created"], "tags")
        return Response(UploadResultSerializer(found).data, status=status.HTTP_201_CREATED)


class ImageDetail(APIView):
    """One image."""

    @extend_schema(responses=ImageSerializer)
    def get(self, request, dataset_id, image_id):
        return Response(ImageSerializer(get_image(request.user, dataset_id, image_id)).data)

    @extend_schema(request=ImageChangeSerializer, responses=ImageSerializer)
    def patch(self, request, dataset_id, image_id):
        image = get_image_to_edit(request.user, dataset_id, image_id)
        change = ImageChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        services.change_image(image, **change.validated_data)
        return Response(ImageSerializer(image).data)

    @extend_schema(responses={204: None})
    def delete(self, request, dataset_id, image_id):
        """Move it to the trash."""
        image = get_image_to_edit(request.user, dataset_id, image_id)
        services.trash_images(image.dataset, DatasetImage.objects.filter(pk=image.pk), request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ImageFile(APIView):
    """The picture in a form that browsers show, for sessions and tokens alike.

    With `?from=store` it is answered with an address of the store where that signs them: for a page that reads pixels,
    and goes on without where the store does not let it in.
    """

    @extend_schema(exclude=True)
    def get(self, request, pk, image_id):
        image = get_image_or_trashed(request.user, pk, image_id)
        file = image.preview or image.file
        if request.query_params.get("from") == "store" and is_offered():
            return shown_by_store(file, kind_of(file))
        return picture_response(image, file)


class ImageOriginal(APIView):
    """The bytes as they came, to be kept: from the store itself where it signs addresses."""

    @extend_schema(exclude=True)
    def get(self, request, pk, image_id):
        image = get_image_or_trashed(request.user, pk, image_id)
        if not is_offered() and not default_storage.exists(image.file.name):
            raise Http404("The file of this image is missing.")
        return download(request, image.file, image.filename, etag=image.sha256)


class ImageThumbnail(APIView):
    """The small picture of the gallery."""

    @extend_schema(exclude=True)
    def get(self, request, pk, image_id):
        image = get_image_or_trashed(request.user, pk, image_id)
        return picture_response(image, image.thumbnail)


def picture_response(image, file):
    """A stored picture; its address stands for these bytes for ever, so that browsers need not ask twice."""
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        raise Http404("The file of this image is missing.") from None
    response = FileResponse(opened, content_type=kind_of(file))
    response["ETag"] = f'"{image.sha256}"'
    patch_cache_control(response, private=True, max_age=31_536_000, immutable=True)
    return response


def kind_of(file):
    """The media type of a stored picture, which its name has from its content."""
    return MIME_TYPES[file.name.rsplit(".", 1)[-1]]

"""Paging of API lists: `?page=&page_size=`, and `?cursor=` where a list may be long."""

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination, PageNumberPagination


class PagePagination(PageNumberPagination):
    """`{count, next, previous, results}`; at most 500 a page."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class ImageCursorPagination(CursorPagination):
    """Paging whose cost does not grow with the position."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
    ordering = "pk"

    def decode_cursor(self, request):
        cursor = super().decode_cursor(request)
        position = cursor and cursor.position
        if position is not None and not (position.isdecimal() and len(position) < 19):
            raise NotFound(self.invalid_cursor_message)
        return cursor

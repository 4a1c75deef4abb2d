"""From which address a request comes, also behind proxies."""

from ipaddress import ip_address

from django.conf import settings


def address_of(request):
    """The caller's address as text, or None where it is not known (a Unix socket without a proxy's word).

    `X-Forwarded-For` is believed only as far as TRUSTED_PROXIES wrote it: read from its end, the first address that
    is not a trusted proxy's own is the caller. Whatever a caller wrote in front of that is ignored.
    """
    came_from = _parsed(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUSTED_PROXIES and (came_from is None or _is_proxy(came_from)):
        for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
            address = _parsed(hop)
            if address is None:
                break
            came_from = address
            if not _is_proxy(address):
                break
    return str(came_from) if came_from else None


def _is_proxy(address):
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(text):
    """The address, an IPv4 one that is written as IPv6 as itself; None for what is none."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

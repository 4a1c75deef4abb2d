"""How what is sent is signed: HMAC-SHA256 over `timestamp.body`, so that neither can be changed or sent again later."""

import hashlib
import hmac


def signature(secret, timestamp, body):
    """Hexadecimal HMAC-SHA256 of `timestamp` (seconds since 1970), a dot, and the body's bytes."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def headers(secret, delivery, timestamp):
    """All headers of an attempt."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "YOLO-Trainer-Webhook/1",
        "Webhook-Id": str(delivery.pk),
        "Webhook-Event": delivery.event,
        "Webhook-Signature": f"t={timestamp},v1={signature(secret, timestamp, delivery.body.encode())}",
    }

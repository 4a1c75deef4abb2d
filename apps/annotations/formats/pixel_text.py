"""Pixels as text in XML."""


def pixel_text(fraction: float, length: int) -> str:
    """Pixels with no more decimals than they need: 12.0000001 is 12, and no edge lies outside."""
    text = f"{min(max(fraction, 0.0), 1.0) * length:.6f}".rstrip("0").rstrip(".")
    return text or "0"

"""What may not be shown is taken out of texts: keys and signatures in addresses, names and passwords before a host."""

import re

_KEYS = (
    "sig|signature|x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|policy"
    "|api[_-]?key|access[_-]?token|auth[_-]?token|subscription[_-]key|client[_-]secret|password|secret"
)
"""Of object stores (SAS, S3, GCS, CloudFront) and of APIs. `token` alone is how catalogs name the next page."""
_QUERY = re.compile(rf"""\?[^\s'"`]*\b(?:{_KEYS})=(?:[^\s'"`,]*[^\s'"`,:;.)])?""", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^\s/@'\"`]+@")


def without_tokens(text: str) -> str:
    """Text in which addresses have neither a query with a key or signature in it, nor a name and password."""
    return _LOGIN.sub("", _QUERY.sub("", text))

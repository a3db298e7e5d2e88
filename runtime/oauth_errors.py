"""What goes wrong at the OAuth endpoints, with the codes of the standards and a sentence for whoever reads the log."""


class OAuthError(Exception):
    """An error answer of RFC 6749 (section 5.2), RFC 8693 (2.2.2), RFC 8707 or RFC 9449."""

    code = "invalid_request"
    status = 400

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said
        self.headers: dict[str, str] = {}


class InvalidRequest(OAuthError):
    """A parameter is missing, doubled, malformed, or a token given as subject or actor is not acceptable."""


class RefusedToken(InvalidRequest):
    """A token given as subject or actor does not hold."""


class TooManyFailures(OAuthError):
    """Too many failed proofs of who asks (RFC 6585, section 4)."""

    code, status = "temporarily_unavailable", 429

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many proofs have failed. Wait, and look at what is sent.")
        self.headers = {"Retry-After": str(seconds)}


class InvalidClient(OAuthError):
    """The workload did not prove who it is, or is not known."""

    code, status = "invalid_client", 401


class InvalidGrant(OAuthError):
    """The task is over, or what was given does not belong together."""

    code = "invalid_grant"


class UnauthorizedClient(OAuthError):
    """The workload is known, and may not act."""

    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"


class UnsupportedTokenType(OAuthError):
    """RFC 7009, section 2.2.1."""

    code = "unsupported_token_type"


class InvalidScope(OAuthError):
    """Nothing, or more, is asked for than may be given."""

    code = "invalid_scope"


class InvalidTarget(OAuthError):
    """RFC 8707, section 2: the audience or resource."""

    code = "invalid_target"


class InvalidAuthorizationDetails(OAuthError):
    """RFC 9396, section 5."""

    code = "invalid_authorization_details"


class InvalidDpopProof(OAuthError):
    """RFC 9449, section 5."""

    code = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    """RFC 9449, section 8."""

    code = "use_dpop_nonce"

"""The addresses of people: signing in, sessions, one's own account."""

from __future__ import annotations

from spaces.signaling import answers, rest_oidc, rest_people, rest_sign_in
from spaces.signaling import schemas_people as schemas
from spaces.signaling.endpoint import Route

PEOPLE = [
    Route(
        method="GET", path="/v1/sign-in", handler=rest_sign_in.get_methods, summary="How one may sign in here",
        tag="people", answer=schemas.SignInMethodsView, own_token=True,
    ),
    Route(
        method="POST", path="/v1/sign-in", handler=rest_sign_in.ask, summary="Have a code sent to an address",
        tag="people", body=schemas.NewSignIn, answer=schemas.SignInAskedView, status=202, problems=(403, 503),
        own_token=True,
    ),
    Route(
        method="POST", path="/v1/sign-in/code", handler=rest_sign_in.answer,
        summary="Sign in with the code, in the browser that asked; the session is a cookie", tag="people",
        body=schemas.SignInCode, answer=schemas.SignedInView, status=201, problems=(403, 409), own_token=True,
    ),
    Route(
        method="GET", path="/v1/sign-in/oidc", handler=rest_oidc.begin, tag="people", status=303, own_token=True,
        summary="Sign in at the OpenID provider: the browser is sent there", problems=(404, 503),
    ),
    Route(
        method="GET", path=rest_oidc.PATH, handler=rest_oidc.come_back, tag="people", status=303, own_token=True,
        summary="Back from the OpenID provider; the session is a cookie", problems=(403, 404, 503),
        query=(("code", "of the provider"), ("state", "as it was sent there")),
    ),
    Route(
        method="POST", path="/v1/sign-out", handler=rest_sign_in.sign_out, summary="End this browser's session",
        tag="people", status=204, problems=(403,), own_token=True,
    ),
    Route(
        method="PATCH", path="/v1/me", handler=rest_people.change_me, summary="Choose a handle, once, and a name",
        tag="people", sign_in=True, body=schemas.ProfileChanges, answer=answers.MeView, problems=(409,),
    ),
    Route(
        method="GET", path="/v1/me/sessions", handler=rest_people.list_sessions, summary="Where I am signed in",
        tag="people", sign_in=True, answer=schemas.SessionsView,
    ),
    Route(
        method="DELETE", path="/v1/me/sessions/{session}", handler=rest_people.revoke_session,
        summary="End one of my sessions", tag="people", sign_in=True, status=204, problems=(404,),
    ),
    Route(
        method="DELETE", path="/v1/me/sessions", handler=rest_people.revoke_other_sessions,
        summary="End all my sessions but this", tag="people", sign_in=True, status=204,
    ),
    Route(
        method="GET", path="/v1/me/export", handler=rest_people.export, summary="Everything stored about me",
        tag="people", sign_in=True, answer=schemas.ExportView,
    ),
    Route(
        method="POST", path="/v1/me/deletion", handler=rest_people.delete_me, summary="Forget who I am, for good",
        tag="people", sign_in=True, body=schemas.Deletion, status=204, problems=(409,), even_suspended=True,
    ),
]  # fmt: skip

"""The addresses of operators."""

from __future__ import annotations

from spaces.signaling import rest_operator
from spaces.signaling import schemas_operator as schemas
from spaces.signaling.endpoint import Route

HANDLERS = (
    ("/v1/accounts/{account}", rest_operator.suspend_account, rest_operator.restore_account,
     "Keep an account out of everything, and end its sessions"),
    ("/v1/creators/{handle}", rest_operator.suspend_creator, rest_operator.restore_creator,
     "End a creator's Spaces, and have him sell nothing"),
    ("/v1/spaces/{space}", rest_operator.suspend_space, rest_operator.restore_space, "End a Space for good"),
)  # fmt: skip

OPERATOR = [
    *(
        Route(
            method="POST", path=f"{path}/suspension", handler=suspend, tag="operators", sign_in=True,
            summary=f"{summary} (operators)", body=schemas.NewSuspension, body_optional=True,
            answer=schemas.SuspensionView, problems=(403, 404, 409),
        )
        for path, suspend, _, summary in HANDLERS
    ),
    *(
        Route(
            method="DELETE", path=f"{path}/suspension", handler=restore, tag="operators", sign_in=True,
            summary="Lift its suspension (operators)", answer=schemas.SuspensionView, problems=(403, 404),
        )
        for path, _, restore, _ in HANDLERS
    ),
    Route(
        method="GET", path="/v1/operator/suspensions", handler=rest_operator.list_suspensions, tag="operators",
        sign_in=True, summary="What is suspended (operators)", answer=schemas.SuspensionsView, problems=(403, 422),
        query=(("before", "as the last answer gave it in `next`"),),
    ),
    Route(
        method="GET", path="/v1/operator/search", handler=rest_operator.search, tag="operators", sign_in=True,
        summary="Find accounts, creators and Spaces (operators)", answer=schemas.FoundView, problems=(403, 422),
        query=(("q", "id, @handle, sub:…, mail address, beginning of a name; a Space's id, or words of its title"),),
    ),
    Route(
        method="GET", path="/v1/operator/accounts/{account}", handler=rest_operator.look_at_account, tag="operators",
        sign_in=True, summary="Look at an account (operators)", answer=schemas.AccountFileView, problems=(403, 404),
    ),
    Route(
        method="GET", path="/v1/operator/settings", handler=rest_operator.get_settings, tag="operators", sign_in=True,
        summary="What goes for the whole platform (operators)", answer=schemas.SettingsView, problems=(403,),
    ),
    Route(
        method="PATCH", path="/v1/operator/settings", handler=rest_operator.change_settings, tag="operators",
        sign_in=True, summary="Change it, at once and for all (operators)", body=schemas.SettingChanges,
        answer=schemas.SettingsView, problems=(403,),
    ),
]  # fmt: skip

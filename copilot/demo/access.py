"""Who may do what on the demo plant's OPC UA server.

Anybody may read. The user `executor` may write setpoints within their bounds and command blocks,
and call methods; a rejected write is answered item by item with the status a controller would give.
"""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import compare_digest
from typing import Any

from asyncua import ua
from asyncua.common.callback import CallbackType
from asyncua.crypto.permission_rules import SimpleRoleRuleset, User, UserRole
from asyncua.server.address_space import AddressSpace, AttributeService
from asyncua.server.internal_server import InternalServer
from asyncua.server.user_managers import UserManager
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from copilot.demo.ua_values import standard_id, status

READER = "copilot"
EXECUTOR = "executor"
CALL = standard_id(ObjectIds.CallRequest_Encoding_DefaultBinary)
READ_WRITE = 3


@dataclass(frozen=True, slots=True)
class Input:
    """A node the executor may write: the type of its values, and what takes them.

    `take` raises ValueError for a value out of bounds, PermissionError when none is taken.
    """

    kind: ua.VariantType
    take: Callable[[Any], None]


class Users(UserManager):
    """Knows the users and their passwords; everybody else is turned away."""

    def __init__(self, executor_password: str) -> None:
        self._passwords = {READER: READER, EXECUTOR: executor_password}

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        """The user of a session; None refuses the session."""
        if username is None:
            return User(UserRole.User, "anonymous")
        known = self._passwords.get(username, "")
        if known and compare_digest(known.encode(), (password or "").encode()):
            return User(UserRole.User, username)
        return None


class _Rules(SimpleRoleRuleset):
    """Requests by user: only the executor may call methods."""

    def check_validity(self, user: User, action_type_id: ua.NodeId, body: Any) -> bool:
        """Whether the user may make a request of this type."""
        if action_type_id == CALL and user.name != EXECUTOR:
            return False
        return bool(super().check_validity(user, action_type_id, body))  # type: ignore[no-untyped-call]


def build_rules() -> SimpleRoleRuleset:
    """What each kind of user may ask for."""
    return _Rules()  # type: ignore[no-untyped-call]


class InputService(AttributeService):
    """The Write service: checks values as a controller does before it takes them."""

    def __init__(self, aspace: AddressSpace, inputs: dict[ua.NodeId, Input]) -> None:
        super().__init__(aspace)
        self._inputs = inputs

    async def write(
        self,
        params: ua.WriteParameters,
        user: User = User(role=UserRole.Admin),  # noqa: B008
    ) -> list[ua.StatusCode]:
        """One status code per item; the server's own writes pass."""
        if user.role == UserRole.Admin:
            return await super().write(params, user)
        return [await self._write_one(item, user) for item in params.NodesToWrite]

    async def _write_one(self, item: ua.WriteValue, user: User) -> ua.StatusCode:
        if user.name != EXECUTOR:
            return status("BadUserAccessDenied")
        target = self._inputs.get(item.NodeId)
        if target is None or item.AttributeId != AttributeIds.Value:
            return status("BadNotWritable")
        variant = item.Value.Value
        if variant is None or variant.VariantType != target.kind or variant.is_array:
            return status("BadTypeMismatch")
        try:
            target.take(variant.Value)
        except ValueError:
            return status("BadOutOfRange")
        except PermissionError:
            return status("BadNotWritable")
        (result,) = await super().write(ua.WriteParameters(NodesToWrite=[item]))
        return result


def guard_server(iserver: InternalServer, inputs: dict[ua.NodeId, Input]) -> None:
    """Put the rules for writing in force on a server."""
    iserver.attribute_service = InputService(iserver.aspace, inputs)

    def show_own_access(event: Any, _: Any) -> None:
        """UserAccessLevel is the reader's own: only the executor sees inputs as writable."""
        if event.user is None or event.user.name != EXECUTOR:
            return
        for index, asked in enumerate(event.request_params.NodesToRead):
            if asked.AttributeId == AttributeIds.UserAccessLevel and asked.NodeId in inputs:
                level = ua.Variant(READ_WRITE, ua.VariantType.Byte)
                event.response_params[index] = ua.DataValue(level)

    iserver.callback_service.addListener(CallbackType.PostRead, show_own_access)  # type: ignore[arg-type]

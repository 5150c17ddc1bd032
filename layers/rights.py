"""Who may see what: the one rights function behind every door (pages, items, tiles, maps, exports, search, streams)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from layers.models import Access

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from geoportal.models import User
    from layers.catalogue import LayerEntry

PROFESSIONALS = "professionisti"
PLANNERS = "pianificatori"
TECHNICIANS = "tecnici"
STEWARDS = "curatori"
ROLES = (PROFESSIONALS, PLANNERS, TECHNICIANS, STEWARDS)
"""Names of the groups that carry a role. Administrators are superusers."""

_INTERNAL_ROLES = frozenset({PLANNERS, TECHNICIANS, STEWARDS})


class Rule(Protocol):
    """An access level and, when it is restricted, the names of the groups that may see."""

    @property
    def access(self) -> str: ...
    @property
    def groups(self) -> frozenset[str]: ...


class Guarded(Rule, Protocol):
    """Something with a rule of its own, inside branches whose rules hold for it too."""

    @property
    def within(self) -> tuple[Rule, ...]: ...


@dataclass(frozen=True, slots=True)
class Audience:
    """What one asker may see. Hashable, so that answers can be cached per audience instead of per person."""

    levels: frozenset[str] = field(default_factory=lambda: frozenset({Access.PUBLIC.value}))
    groups: frozenset[str] = frozenset()
    sees_all: bool = False

    @property
    def is_public(self) -> bool:
        """True when the asker sees exactly what anyone sees; only such answers may be cached by shared caches."""
        return not self.sees_all and not self.groups and self.levels == {Access.PUBLIC.value}


PUBLIC = Audience()
EVERYTHING = Audience(sees_all=True)
"""For commands that act for the operator, never for a request."""


def audience_of(user: User | AnonymousUser) -> Audience:
    """The audience a signed-in or anonymous user belongs to. One query for a signed-in user, none otherwise."""
    if not user.is_authenticated or not user.is_active:
        return PUBLIC
    if user.is_superuser:
        return EVERYTHING
    names = user.group_names
    levels = {Access.PUBLIC.value}
    if names & (_INTERNAL_ROLES | {PROFESSIONALS}):
        levels.add(Access.PROFESSIONAL.value)
    if names & _INTERNAL_ROLES:
        levels.add(Access.INTERNAL.value)
    return Audience(levels=frozenset(levels), groups=names)


def may_see(audience: Audience, thing: Guarded) -> bool:
    """Whether this audience may see a layer or a field: its own rule allows it, and so does every branch above it."""
    if audience.sees_all:
        return True
    return _allows(audience, thing) and all(_allows(audience, rule) for rule in thing.within)


class Kept(Protocol):
    """A layer or theme, and the groups whose stewards keep it; none: every steward does."""

    @property
    def stewards(self) -> frozenset[str]: ...


def may_keep(audience: Audience, thing: Kept | None) -> bool:
    """Whether this audience is steward of a layer or theme: it may bring, describe, style and relate its data.

    Stewards of a theme are the stewards (group `curatori`) who are also in one of the groups that the theme names.
    None stands for no theme at all, which every steward keeps.
    """
    if audience.sees_all:
        return True
    named = thing.stewards if thing is not None else frozenset()
    return STEWARDS in audience.groups and (not named or bool(named & audience.groups))


def may_edit(audience: Audience, layer: LayerEntry) -> bool:
    """Whether this audience may write features: administrators and its stewards, in layers that are open to editing."""
    is_open = layer.kind == "vector" and layer.is_editable and not layer.is_live
    return is_open and may_keep(audience, layer) and may_see(audience, layer)


def is_restricted(thing: Guarded) -> bool:
    """Whether only named groups may see a thing, by its own rule or a branch's: reading it is written down."""
    return any(rule.access == Access.RESTRICTED.value for rule in (thing, *thing.within))


def is_steward(user: User | AnonymousUser) -> bool:
    """Whether someone may bring data into some part of the catalogue: stewards and administrators."""
    return may_keep(audience_of(user), None)


def _allows(audience: Audience, rule: Rule) -> bool:
    if rule.access in audience.levels:
        return True
    return rule.access == Access.RESTRICTED.value and bool(audience.groups & rule.groups)

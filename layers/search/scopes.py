"""Who may find what. Entries carry the digest of the fields they were made of; an asker searches in the scopes whose
fields the asker sees, as the catalogue stands at that moment.

A field that becomes hidden, or a layer that is withdrawn, thereby leaves the search at once: the digest that would
lead to its old entries is never asked for again, even while they still lie in the table.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from layers.catalogue import Catalogue, FieldEntry, LayerEntry
from layers.models import Access, Field
from layers.rights import Audience

Role = Field.SearchRole
_RANKS = {level: rank for rank, level in enumerate(Access.values)}
_GUESSES: dict[str, Role] = {
    **dict.fromkeys(("odonimo", "via", "toponimo", "denomuff", "strada", "nome_via", "indirizzo_via"), Role.STREET),
    **dict.fromkeys(("civico", "numero_civico", "num_civico", "progr_civico"), Role.NUMBER),
    **dict.fromkeys(("esponente", "esp", "barrato", "subalterno_civico"), Role.EXPONENT),
    **dict.fromkeys(("foglio", "fg"), Role.SHEET),
    **dict.fromkeys(("particella", "mappale", "numero_particella"), Role.PARCEL),
    **dict.fromkeys(("nationalcadastralreference", "riferimento_catastale"), Role.REFERENCE),
    **dict.fromkeys(("nome", "denominazione", "denom", "name", "titolo", "label"), Role.NAME),
}
"""What a field of this name is for when its steward has not said."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Fields of one layer that are searched together, and the digest by which their entries are found."""

    id: int
    layer: LayerEntry
    fields: tuple[FieldEntry, ...]

    def named(self, role: Role) -> str:
        """The column that plays a role; empty when there is none."""
        return next((entry.name for entry in self.fields if role_of(entry) == role), "")


def role_of(entry: FieldEntry) -> Role:
    """What a field is for in the search, by its steward or by its name."""
    return Role(entry.search_role) if entry.search_role else _GUESSES.get(entry.name, Role.TEXT)


def scopes_of(layer: LayerEntry) -> list[Scope]:
    """Every set of fields that some audience sees: those of one level together with the more open ones."""
    searchable = [entry for entry in layer.fields if entry.is_searchable]
    ranks = sorted({_RANKS[entry.access] for entry in searchable})
    return [_scope(layer, [entry for entry in searchable if _RANKS[entry.access] <= rank]) for rank in ranks]


def scopes_for(held: Catalogue, audience: Audience) -> dict[int, LayerEntry]:
    """Where this audience searches: of each layer it sees the widest scope all of whose fields it sees."""
    found: dict[int, LayerEntry] = {}
    for layer in held.visible(audience):
        visible = set(layer.visible_fields(audience))
        open_scopes = [scope for scope in scopes_of(layer) if visible.issuperset(scope.fields)]
        if open_scopes:
            found[open_scopes[-1].id] = layer
    return found


def _scope(layer: LayerEntry, fields: list[FieldEntry]) -> Scope:
    what = repr((layer.id, layer.table_name, sorted((entry.name, entry.access, role_of(entry)) for entry in fields)))
    digest = hashlib.blake2b(what.encode(), digest_size=8).digest()
    return Scope(int.from_bytes(digest, "big", signed=True), layer, tuple(fields))

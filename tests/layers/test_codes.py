"""Code lists of attributes: how people write them, what is refused, and that the admin keeps them."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError

from layers import codes
from layers.admin import FieldForm
from layers.importing.columns import Column
from layers.importing.register import write_fields
from layers.models import Field
from tests.ogc.conftest import city as city

TEXT = "A020102 = Edificio | Building\nA020106 = Edificio minore"


def test_a_list_is_read_as_it_is_written() -> None:
    held = codes.read(TEXT, "string")
    assert held[0] == {"code": "A020102", "it": "Edificio", "en": "Building"}
    assert codes.write(held) == TEXT and codes.read("\n \n", "date") == []
    assert codes.entries(held)[1] == codes.Code("A020106", "Edificio minore", "Edificio minore")
    assert codes.read("1 = Uno", "integer")[0]["code"] == 1


def test_a_list_follows_the_type_of_its_column_or_goes() -> None:
    assert codes.fitting(codes.read("1 = Uno\n2 = Due", "string"), "integer") == codes.read(
        "1 = Uno\n2 = Due", "integer"
    )
    assert codes.fitting(codes.read(TEXT, "string"), "integer") == []
    assert codes.fitting(codes.read("1 = Uno", "integer"), "date") == []
    assert codes.fitting([], "date") == []


@pytest.mark.parametrize(
    ("text", "type_", "says"),
    [
        ("A020102", "string", "Riga 1"),
        ("a = x\n= y", "string", "Riga 2"),
        ("a = x\na = y", "string", "due volte: a"),
        ("a = x", "integer", "«a»"),
        ("a = x", "date", "date"),
        (f"{'a' * 201} = x", "string", "200 caratteri"),
        ("\n".join(f"{n} = x" for n in range(codes.MOST + 1)), "integer", "501"),
    ],
)
def test_what_is_no_list_is_refused_by_its_line(text: str, type_: str, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        codes.read(text, type_)
    assert says in refused.value.messages[0]


def test_the_form_of_a_column_keeps_its_list(city: SimpleNamespace) -> None:
    row = Field.objects.get(layer=city.buildings, name="uso")
    shown = {name: value for name, value in FieldForm(instance=row).initial.items() if value is not None}
    form = FieldForm(shown | {"codes": TEXT.replace("\n", "\r\n")}, instance=row)
    assert form.is_valid() and form.has_changed(), form.errors
    kept = form.save()
    assert [one["code"] for one in kept.codes] == ["A020102", "A020106"]
    again = FieldForm(shown | {"codes": TEXT.replace("\n", "\r\n")}, instance=Field.objects.get(pk=row.pk))
    assert "codes" not in again.changed_data
    assert "codes" in FieldForm(shown | {"codes": "senza significato"}, instance=row).errors


def test_a_column_imported_with_another_type_does_not_keep_codes_it_cannot_have(city: SimpleNamespace) -> None:
    row = Field.objects.get(layer=city.buildings, name="uso")
    row.codes = codes.read("1 = Casa\n2 = Scuola", "string")
    row.save()
    kept = [
        Column(one.source_name, one.name, "bigint" if one.name == "uso" else "text",
               Field.Type.INTEGER if one.name == "uso" else Field.Type(one.type), one.title_it)
        for one in city.buildings.fields.order_by("position")
    ]  # fmt: skip
    write_fields(city.buildings, kept, is_new=False)
    row.refresh_from_db()
    assert (row.type, [one["code"] for one in row.codes]) == ("integer", [1, 2])

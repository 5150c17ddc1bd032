"""The technicians' pages about alerts, rules, announced work and availability: rights, forms, and what they do."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from geoportal.models import User
from geoportal.monitoring.alerts.evaluation import evaluate
from geoportal.monitoring.alerts.models import Alert, AlertRule
from geoportal.monitoring.models import DeviceStatus, MaintenancePlan, StateInterval
from geoportal.technicians.forms import RuleForm
from layers.models import Layer
from layers.rights import TECHNICIANS
from tests.geodata import forget_catalogue
from tests.monitoring.devices import device

pytestmark = pytest.mark.django_db

PAGES = ("/tecnici/allarmi/", "/tecnici/regole/", "/tecnici/regole/nuova/", "/tecnici/manutenzione/",
         "/tecnici/disponibilita/")  # fmt: skip


@pytest.fixture
def technician(client: Client) -> Client:
    for slug, table in (("punti-accesso-wifi", "punti_accesso_wifi"), ("totem", "totem")):
        fields = {"title_it": slug, "table_name": table, "geometry_type": "POINT", "srid": 32632}
        Layer.objects.update_or_create(slug=slug, defaults=fields)
    forget_catalogue()
    user = User.objects.create_user("tecnica", password="una-parola-lunga")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client.force_login(user)
    return client


@pytest.fixture
def rule() -> AlertRule:
    AlertRule.objects.all().delete()
    return AlertRule.objects.create(
        slug="perso",
        name_it="Perso",
        name_en="Lost",
        causes=["silent"],
        severity="critical",
        groups=["feeder"],
        for_s=60,
    )


@pytest.fixture
def cut(rule: AlertRule) -> Alert:
    """Four devices of one feeder lost ten minutes ago: one alert, four quiet ones."""
    now = timezone.now()
    lost = {"code": "silent", "severity": "critical", "value": 600, "threshold": 90,
            "since": (now - timedelta(minutes=10)).isoformat()}  # fmt: skip
    for number in range(4):
        device(f"ap-{number}-x", feeder="L7", status={"health": "critical", "cause": "silent", "evidence": [lost]})
    evaluate(now - timedelta(seconds=10))
    evaluate(now)
    return Alert.objects.get(scope="feeder")


@pytest.mark.parametrize("path", PAGES)
def test_only_technicians_come_in(client: Client, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/accedi/?next=")
    client.force_login(User.objects.create_user("altro", password="una-parola-lunga"))
    assert client.get(path).status_code == 403


def test_others_change_nothing(client: Client, cut: Alert) -> None:
    client.force_login(User.objects.create_user("altro", password="una-parola-lunga"))
    for path in (f"/tecnici/allarmi/{cut.pk}/", "/tecnici/regole/perso/", "/tecnici/manutenzione/",
                 "/tecnici/manutenzione/1/termina/"):  # fmt: skip
        assert client.post(path, {"note": "x"}).status_code == 403
    cut.refresh_from_db()
    assert cut.state == "firing"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["it", "en"])
def test_pages_open_in_both_languages(technician: Client, path: str, language: str) -> None:
    answer = technician.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]
    assert ("Allarmi" if language == "it" else "Alerts") in answer.content.decode()


def test_the_list_shows_the_common_cause_and_not_its_devices(technician: Client, cut: Alert) -> None:
    page = technician.get("/tecnici/allarmi/").content.decode()
    assert f'data-alert="{cut.pk}"' in page and "4 dispositivi con la stessa causa" in page
    assert page.count("data-alert=") == 1
    one = technician.get(f"/tecnici/allarmi/{cut.pk}/").content.decode()
    assert "4 di 4 dispositivi" in one and all(f"ap-{number}-x" in one for number in range(4))


def test_devices_say_of_which_common_cause_they_are_part(technician: Client, cut: Alert) -> None:
    page = technician.get("/tecnici/").content.decode()
    assert page.count("parte di: Linea elettrica L7") == 4
    assert "parte di: Linea elettrica L7" in technician.get("/tecnici/ap-0-x/").content.decode()


def test_taking_an_alert_asks_for_the_token_and_is_written_down(technician: Client, cut: Alert) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = technician.cookies
    assert strict.post(f"/tecnici/allarmi/{cut.pk}/", {"note": "Vado io"}).status_code == 403
    technician.post(f"/tecnici/allarmi/{cut.pk}/", {"note": "Vado io <b>"})
    page = technician.get(f"/tecnici/allarmi/{cut.pk}/").content.decode()
    assert "Vado io &lt;b&gt;" in page and "tecnica" in page and "Prendi in carico" not in page
    cut.refresh_from_db()
    assert cut.state == "acknowledged" and cut.acknowledged_by is not None


def form_of(rule: AlertRule, **changes: object) -> dict[str, object]:
    fields = {
        "name_it": rule.name_it, "name_en": "", "slug": rule.slug, "is_active": "on", "kind": "", "subject": "cause",
        "causes": ["silent"], "metric": "", "for_s": 60, "keep_s": 60, "min_samples": 2, "severity": "critical",
        "weekdays": "1234567", "repeat_s": 0, "escalate_s": 0, "groups": [], "group_share_pct": 60,
        "group_least": 3, "group_window_s": 180,
    }  # fmt: skip
    return {**fields, **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"causes": []}, "Scegli almeno una causa"),
        ({"subject": "metric"}, "Scegli la misura"),
        ({"subject": "metric", "metric": "temp_cpu", "raise_at": 80}, "Indica la soglia"),
        ({"subject": "metric", "metric": "temp_cpu", "raise_at": 80, "clear_at": 80}, "devono essere diverse"),
        ({"weekdays": "89"}, "Cifre da 1"),
        ({"hours_from": "07:00"}, "Indica entrambe le ore"),
        ({"min_samples": 1}, "maggiore o uguale"),
        ({"causes": ["nonsense"]}, "Correggi i campi"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    technician: Client, rule: AlertRule, changes: dict[str, object], message: str
) -> None:
    answer = technician.post("/tecnici/regole/perso/", form_of(rule, **changes))
    assert answer.status_code == 200 and message in answer.content.decode()
    rule.refresh_from_db()
    assert rule.keep_s == 300


def test_the_list_of_rules_says_in_words_when_each_calls(technician: Client, rule: AlertRule) -> None:
    AlertRule.objects.create(
        slug="caldo", name_it="Caldo", subject="metric", metric="temp_cpu", raise_at=80, clear_at=70
    )
    AlertRule.objects.create(
        slug="poco", name_it="Poco", subject="metric", metric="mem", raise_at=5, clear_at=9, for_s=30
    )
    page = technician.get("/tecnici/regole/").content.decode()
    for words in (
        "Non dà notizie da troppo tempo, per 1 min",
        "Temperatura del processore ≥ 80 °C, per 2 min",
        "Memoria ≤ 5 %, per 0,5 min",
    ):
        assert words in page


def test_every_field_of_a_rule_stands_under_one_question(technician: Client) -> None:
    form = RuleForm()
    assert sorted(field.name for _, fields in form.sections for field in fields) == sorted(form.fields)


def test_a_rule_is_tried_without_being_stored_and_then_stored(technician: Client, rule: AlertRule) -> None:
    one = device("ap-one")
    begin = timezone.now() - timedelta(days=1)
    for health, cause, minute, end in (("ok", "", 0, 10), ("critical", "silent", 10, 14), ("ok", "", 14, None)):
        StateInterval.objects.create(
            device=one, health=health, cause=cause, started_at=begin + timedelta(minutes=minute),
            ended_at=None if end is None else begin + timedelta(minutes=end),
        )  # fmt: skip
    assert "1 allarme." in technician.get("/tecnici/regole/perso/").content.decode()
    tried = technician.post("/tecnici/regole/perso/", form_of(rule, for_s=600, prova="1")).content.decode()
    assert "0 allarmi" in tried
    rule.refresh_from_db()
    assert rule.for_s == 60
    assert technician.post("/tecnici/regole/perso/", form_of(rule, for_s=600)).status_code == 302
    rule.refresh_from_db()
    assert rule.for_s == 600


def test_a_new_rule_can_be_tried_before_it_exists(technician: Client, rule: AlertRule) -> None:
    fields = form_of(rule, slug="nuova-regola", prova="1")
    assert "0 allarmi" in technician.post("/tecnici/regole/nuova/", fields).content.decode()
    assert AlertRule.objects.count() == 1
    del fields["prova"]
    assert technician.post("/tecnici/regole/nuova/", fields).headers["Location"] == "/tecnici/regole/nuova-regola/"


def test_work_is_announced_for_a_cabinet_and_ended(technician: Client) -> None:
    one = device("ap-one", cabinet="C1")
    now = timezone.localtime()
    fields = {
        "target": "cabinet:C1", "repeat": "weekly", "note": "Lavori",
        "starts_at": (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip
    wrong = technician.post("/tecnici/manutenzione/", {**fields, "target": "cabinet:C9"})
    assert "«cabinet:C9»" in wrong.content.decode() and not MaintenancePlan.objects.exists()
    assert technician.post("/tecnici/manutenzione/", fields).status_code == 302
    assert DeviceStatus.objects.get(device=one).health == "maintenance"
    assert "in corso fino al" in technician.get("/tecnici/manutenzione/").content.decode()
    plan = MaintenancePlan.objects.get()
    assert technician.get(f"/tecnici/manutenzione/{plan.pk}/termina/").status_code == 405
    technician.post(f"/tecnici/manutenzione/{plan.pk}/termina/")
    assert DeviceStatus.objects.get(device=one).health != "maintenance"


def test_availability_is_a_table_and_a_file(technician: Client) -> None:
    one = device("ap-one", place="=1+1")
    now = timezone.now()
    StateInterval.objects.create(device=one, health="ok", started_at=now - timedelta(days=400))
    page = technician.get("/tecnici/disponibilita/?per=place").content.decode()
    assert "100,00 %" in page
    answer = technician.get("/tecnici/disponibilita/?per=place&dal=2026-01-01&al=2026-01-02&formato=csv")
    rows = list(csv.reader(answer.content.decode().splitlines()))
    assert rows[0][0] == "place" and rows[1][0] == "'=1+1" and rows[1][4:6] == ["100.0000", str(2 * 86400)]
    each = technician.get("/tecnici/disponibilita/?per=place&mesi=1&dal=2026-01-31&al=2026-02-01&formato=csv")
    assert [row[2] for row in csv.reader(each.content.decode().splitlines())] == ["month", "2026-01", "2026-02"]
    assert "2026-02" in technician.get("/tecnici/disponibilita/?mesi=1&dal=2026-01-31&al=2026-02-01").content.decode()


def test_dates_that_make_no_sense_are_said(technician: Client) -> None:
    page = technician.get("/tecnici/disponibilita/?dal=ieri").content.decode()
    assert "mostro il mese in corso" in page
    for dates in ("dal=2026-05-02&al=2026-05-01", "dal=9999-12-31&al=9999-12-31"):
        page = technician.get(f"/tecnici/disponibilita/?{dates}").content.decode()
        assert "mostro il mese in corso" in page

import re

import pytest

DAY = "2026-11-22"
LAB = "/api/v1/offices/lab"


def rows(text: str) -> list[str]:
    """Contacts listed on a page, in order."""
    return re.findall(r'data-contact="([^"]+)"', text)


def contacts(client, **asked: str):
    """What the API has of the day."""
    return client.get(f"{LAB}/contacts", params={"day": DAY, "limit": 1000, **asked}).json()["contacts"]


def test_log_lists_every_call_of_the_day(client):
    """All pages together, the latest first, each once."""
    listed: list[str] = []
    for page in (1, 2, 3):
        listed += rows(client.get("/calls", params={"office": "lab", "from": DAY, "until": DAY, "page": page}).text)
    assert [each["contact_id"] for each in reversed(contacts(client))] == listed


@pytest.mark.parametrize("asked", [{"disposition": "abandoned"}, {"direction": "out"}])
def test_log_keeps_what_was_asked_for(client, asked: dict[str, str]):
    """The same calls as the API with the same question, and links to further pages ask the same."""
    page = client.get("/calls", params={"from": DAY, **asked}).text
    assert [each["contact_id"] for each in reversed(contacts(client, **asked))][:200] == rows(page)


def test_log_finds_places_and_numbers(client):
    """Whoever waited in the queue, also after a transfer; part of a number is enough."""
    every = contacts(client)
    queued = {c["contact_id"] for c in every if "support" == c["queue"]}
    found = set(rows(client.get("/calls", params={"from": DAY, "place": "support"}).text))
    assert queued <= found
    assert len(found) < len(queued) + 10, "callers who were passed on to support are few"
    number = every[5]["caller"]
    found = rows(client.get("/calls", params={"from": DAY, "number": number[-6:]}).text)
    assert {c["contact_id"] for c in every if number[-6:] in c["caller"] or number[-6:] in c["did"]} == set(found)


def test_call_shows_its_legs(client):
    """One row per leg with its settled outcome, and what else the same number did."""
    contact = max(contacts(client), key=lambda each: len(each["legs"]))
    page = client.get(f"/calls/{contact['contact_id']}", params={"office": "lab"}).text
    legs = client.get(f"{LAB}/contacts/{contact['contact_id']}").json()["legs"]
    assert len(legs) > 3
    table = page[page.index('id="legs"') : page.index("</table>")]
    assert len(legs) == table.count("<tr>") - 1
    for leg in legs:
        assert f"<td>{leg['outcome'].replace('_', ' ')}" in table


def test_uncertain_calls_say_so(client):
    """Where several callers fitted, the page tells that it is a guess."""
    uncertain = [each for each in contacts(client) if each["correlation"] == "ambiguous"]
    for each in uncertain[:2]:
        assert "is a guess" in client.get(f"/calls/{each['contact_id']}").text


def test_call_shows_each_place_that_its_caller_waited_in(client):
    """An agent passed the caller on to another queue: one row for each, as the API has them; none for other calls."""
    every = contacts(client)
    passed_on = [each for each in every if each["visits"]]
    assert passed_on
    for contact in passed_on:
        page = client.get(f"/calls/{contact['contact_id']}").text
        rows = re.findall(r'<tr><th scope="row">(.*?)</th>', page[page.index('id="visits"') :].partition("</table>")[0])
        assert [visit["queue"] for visit in contact["visits"]] == rows
        assert contact["queue"] == rows[0]
        assert all(visit["t_enter"] >= contact["t_offer"] for visit in contact["visits"])
    elsewhere = next(each for each in every if not each["visits"])
    assert 'id="visits"' not in client.get(f"/calls/{elsewhere['contact_id']}").text


def test_what_is_not_there(client):
    """A call nobody made, and a kind there is not: one line each."""
    answer = client.get("/calls/lab-1-2", params={"office": "lab"})
    assert (404, True) == (answer.status_code, "has no call" in answer.text)
    assert 422 == client.get("/calls", params={"direction": "sideways"}).status_code


def test_numbers_of_callers_are_no_markup(client):
    """What stands in the address comes back as text."""
    page = client.get("/calls", params={"number": '"><script>alert(1)</script>'}).text
    assert "<script>alert(1)" not in page

import tomllib

from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from copilot_tools.site.load import parse_site
from copilot_tools.sources.opcua_draft import Found, quote, write_draft

OBJECT, VARIABLE = ua.NodeClass.Object, ua.NodeClass.Variable


def found(name: str, node_class: ua.NodeClass, *children: Found, **more: object) -> Found:
    node = Found(ua.NodeId(name, 2), name, name, node_class)
    node.children = list(children)
    for key, value in more.items():
        setattr(node, key, value)
    return node


def measured(name: str) -> Found:
    return found(name, VARIABLE, numeric=True)


def draft(*children: Found) -> str | None:
    return write_draft(found("Objects", OBJECT, *children), {2: "urn:x"}, "opc.tcp://x")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_can_be_quoted(text: str):
    assert tomllib.loads(f"x = {quote(text)}")["x"] == text


def test_names_used_twice_are_told_apart():
    pump = found("Pump", OBJECT, measured("Flow_Rate"), measured("FlowRate"))
    text = draft(pump, found("Hall", OBJECT, found("Pump", OBJECT, measured("Speed")), folder=True))
    assert text is not None
    site = parse_site(text)
    assert list(site.assets) == ["Pump", "Pump-2"]
    assert [s.name for s in site.assets["Pump"].signals] == ["flow rate", "flow rate 2"]
    assert site.areas[site.assets["Pump-2"].area].name == "Hall"


def test_folders_of_a_machine_belong_to_it_and_machines_inside_are_their_own():
    values = found("Values", OBJECT, measured("Pressure"), folder=True)
    motor = found("Motor", OBJECT, measured("Current"))
    text = draft(found("Pump", OBJECT, measured("Flow"), values, motor))
    assert text is not None
    site = parse_site(text)
    assert [s.name for s in site.assets["Pump"].signals] == ["flow", "pressure"]
    assert [s.name for s in site.assets["Motor"].signals] == ["current"]


def test_without_measured_values_there_is_no_machine():
    assert draft(found("Info", OBJECT, found("Serial", VARIABLE, text=True))) is None

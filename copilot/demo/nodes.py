"""Builds OPC UA nodes in bulk; node ids are strings in the plant's namespace."""

from dataclasses import dataclass, field
from typing import Any, cast

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from copilot.demo.ua_values import plant_id, standard_id

UNIT_CODES = {
    "degC": "CEL",
    "bar": "BAR",
    "mbar": "MBR",
    "%": "P1",
    "m3/h": "MQH",
    "rpm": "RPM",
    "A": "AMP",
    "mm/s": "C16",
    "m/s": "MTS",
    "h": "HUR",
    "N.m": "NU",
    "N": "NEW",
    "kg": "KGM",
    "g": "GRM",
    "mm": "MMT",
    "K": "KEL",
    "kg/h": "E93",
}
UNIT_SYSTEM = "http://www.opcfoundation.org/UA/units/un/cefact"
READ, READ_WRITE = 1, 3

COMPONENT = standard_id(ObjectIds.HasComponent)
PROPERTY = standard_id(ObjectIds.HasProperty)
ORGANIZES = standard_id(ObjectIds.Organizes)
SUBTYPE = standard_id(ObjectIds.HasSubtype)
FOLDER = standard_id(ObjectIds.FolderType)
ANALOG_ITEM = standard_id(ObjectIds.AnalogItemType)
DATA_VARIABLE = standard_id(ObjectIds.BaseDataVariableType)
PROPERTY_TYPE = standard_id(ObjectIds.PropertyType)
BASE_OBJECT = standard_id(ObjectIds.BaseObjectType)
CONDITION = standard_id(ObjectIds.AlarmConditionType)


@dataclass(slots=True)
class NodeBuilder:
    """Collects nodes; `items` are then added to the server in one go."""

    namespace: int
    items: list[ua.AddNodesItem] = field(default_factory=list)

    def node(self, identifier: str) -> ua.NodeId:
        """The node id of an identifier, with or without its leading "s="."""
        return plant_id(identifier, self.namespace)

    def add_type(self, kind: str) -> ua.NodeId:
        """A machine type of the plant ("PumpType")."""
        name = f"{kind.title().replace(' ', '')}Type"
        attributes = ua.ObjectTypeAttributes(DisplayName=ua.LocalizedText(name))
        attributes.SpecifiedAttributes = _mask("DisplayName")
        return self._add(
            BASE_OBJECT, self.node(name), name, ua.NodeClass.ObjectType, attributes, SUBTYPE, None
        )

    def add_object(
        self,
        parent: ua.NodeId,
        identifier: str,
        name: str,
        display: str = "",
        kind: ua.NodeId = FOLDER,
        reference: ua.NodeId = ORGANIZES,
    ) -> ua.NodeId:
        """An object or folder."""
        attributes = ua.ObjectAttributes(DisplayName=ua.LocalizedText(display or name))
        attributes.SpecifiedAttributes = _mask("DisplayName", "EventNotifier")
        return self._add(
            parent, self.node(identifier), name, ua.NodeClass.Object, attributes, reference, kind
        )

    def add_variable(
        self,
        parent: ua.NodeId,
        identifier: str,
        name: str,
        value: ua.Variant,
        *,
        kind: ua.NodeId = DATA_VARIABLE,
        standard: bool = False,
        writable: bool = False,
    ) -> ua.NodeId:
        """A variable; `standard` names belong to OPC UA itself. Users see it as read-only."""
        attributes = ua.VariableAttributes(
            DisplayName=ua.LocalizedText(name.replace("_", " ")),
            Value=value,
            DataType=_data_type(value),
            ValueRank=ua.Int32(1 if value.is_array else -1),
            AccessLevel=ua.Byte(READ_WRITE if writable else READ),
            UserAccessLevel=ua.Byte(READ),
        )
        names = ("DisplayName", "Value", "DataType", "ValueRank", "AccessLevel", "UserAccessLevel")
        attributes.SpecifiedAttributes = _mask(*names)
        reference = PROPERTY if kind == PROPERTY_TYPE else COMPONENT
        node = self.node(identifier)
        variable = ua.NodeClass.Variable
        return self._add(parent, node, name, variable, attributes, reference, kind, standard)

    def add_property(
        self, parent: ua.NodeId, identifier: str, name: str, value: ua.Variant
    ) -> ua.NodeId:
        """A standard property."""
        return self.add_variable(parent, identifier, name, value, kind=PROPERTY_TYPE, standard=True)

    def add_analog(
        self,
        parent: ua.NodeId,
        identifier: str,
        name: str,
        value: float,
        unit: str,
        span: tuple[float, float] | None,
        writable: bool = False,
    ) -> ua.NodeId:
        """A measured or set value with its unit and range."""
        identifier = identifier.removeprefix("s=")
        variant = ua.Variant(value, ua.VariantType.Double)
        node = self.add_variable(
            parent, identifier, name, variant, kind=ANALOG_ITEM, writable=writable
        )
        if span:
            self.add_property(node, f"{identifier}.EURange", "EURange", ua.Variant(ua.Range(*span)))
        units = ua.Variant(_unit(unit))
        self.add_property(node, f"{identifier}.EngineeringUnits", "EngineeringUnits", units)
        return node

    def add_method(
        self, parent: ua.NodeId, identifier: str, name: str, inputs: tuple[ua.Argument, ...] = ()
    ) -> ua.NodeId:
        """A method; what it does is linked to it later."""
        attributes = ua.MethodAttributes(
            DisplayName=ua.LocalizedText(name), Executable=True, UserExecutable=True
        )
        attributes.SpecifiedAttributes = _mask("DisplayName", "Executable", "UserExecutable")
        node = self._add(
            parent,
            self.node(identifier),
            name,
            ua.NodeClass.Method,
            attributes,
            COMPONENT,
            None,
        )
        if inputs:
            arguments = ua.Variant(list(inputs), ua.VariantType.ExtensionObject)
            plain = identifier.removeprefix("s=")
            self.add_property(node, f"{plain}.InputArguments", "InputArguments", arguments)
        return node

    def _add(
        self,
        parent: ua.NodeId,
        node: ua.NodeId,
        name: str,
        node_class: ua.NodeClass,
        attributes: Any,
        reference: ua.NodeId,
        kind: ua.NodeId | None,
        standard: bool = False,
    ) -> ua.NodeId:
        item = ua.AddNodesItem(
            ParentNodeId=parent,
            ReferenceTypeId=reference,
            RequestedNewNodeId=node,
            BrowseName=ua.QualifiedName(name, 0 if standard else self.namespace),
            NodeClass=node_class,
            NodeAttributes=attributes,
        )
        if kind is not None:
            item.TypeDefinition = kind
        self.items.append(item)
        return node


def argument(name: str, kind: ua.VariantType, description: str) -> ua.Argument:
    """A scalar argument of a method."""
    return ua.Argument(
        Name=name,
        DataType=standard_id(kind.value),
        ValueRank=ua.Int32(-1),
        Description=ua.LocalizedText(description),
    )


def _unit(unit: str) -> ua.EUInformation:
    code = UNIT_CODES.get(unit, "")
    number = int.from_bytes(code.encode(), "big") if code else -1
    text = ua.LocalizedText(unit)
    return ua.EUInformation(UNIT_SYSTEM, ua.Int32(number), text, text)


def _data_type(value: ua.Variant) -> ua.NodeId:
    if value.VariantType == ua.VariantType.ExtensionObject:
        first = value.Value[0] if isinstance(value.Value, list) else value.Value
        return cast(ua.NodeId, first.data_type)
    return standard_id(value.VariantType.value)


def _mask(*names: str) -> ua.UInt32:
    mask = 0
    for name in names:
        mask |= getattr(ua.NodeAttributesMask, name)
    return ua.UInt32(mask)

# SPDX-License-Identifier: Apache-2.0
"""JSON Schemas out of a generator, values for them, and whether a value fits one: what a translated schema is compared by."""
import json

TYPES = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}
NAMES = ["a", "type", "$ref", "b", "enum"]
SCALARS = [None, True, False, 0, 1, 2, 2.5, 3, -1, "", "a", "b"]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_type(value, name):
    if name in ("integer", "number"):
        return is_number(value) and (name == "number" or value == int(value))
    return isinstance(value, TYPES[name])


def same(a, b):
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def named(root, reference):
    for step in reference[2:].split("/"):
        root = root[step]
    return root


def fits_type(value, schema):
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(is_type(value, name.lower()) for name in names)


def fits_words(value, schema, root, depth):
    if is_number(value):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value) and \
            ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
    if isinstance(value, str):
        return schema.get("minLength", 0) <= len(value)
    if isinstance(value, list):
        heads = schema.get("prefixItems", [])
        return schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)) \
            and all(fits(one, head, root, depth) for one, head in zip(value, heads)) \
            and all(fits(one, schema.get("items", True), root, depth) for one in value[len(heads):])
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        return all(name in value for name in schema.get("required", [])) \
            and all(fits(one, known.get(name, others), root, depth) for name, one in value.items())
    return True


def is_any(schema):
    """OpenAPI's form has no word for any value: it is a text that says so, or may be null; and a recursion ends in a plain object."""
    return schema.get("description") == "any value" or schema == {"type": "STRING", "nullable": True} or \
        schema.get("properties") == {"any": {"type": "STRING", "nullable": True}}


def fits(value, schema, root, depth=40):
    """A definition that is nothing but itself (no depth is left) takes anything."""
    if isinstance(schema, bool) or not depth or is_any(schema):
        return schema is not False
    depth -= 1
    if schema.get("nullable") and value is None:
        return True
    if "$ref" in schema and not fits(value, named(root, schema["$ref"]), root, depth):
        return False
    if "type" in schema and not fits_type(value, schema):
        return False
    if "enum" in schema and not any(same(value, one) for one in schema["enum"]):
        return False
    if "const" in schema and not same(value, schema["const"]):
        return False
    if "anyOf" in schema and not any(fits(value, one, root, depth) for one in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(fits(value, one, root, depth) for one in schema["oneOf"]) != 1:
        return False
    return all(fits(value, one, root, depth) for one in schema.get("allOf", [])) and fits_words(value, schema, root, depth)


def make_simple(chance):
    return chance.choice([
        {"type": "string"}, {"type": "string", "enum": chance.sample(["a", "b", ""], chance.randint(1, 3))},
        {"const": chance.choice(["a", 1, True, None])}, {"enum": chance.sample(["a", 1, 2, None, True], chance.randint(1, 3))},
        {"type": "integer", "minimum": 1}, {"type": "number", "exclusiveMinimum": 0, "maximum": 3},
        {"type": ["string", "null"], "minLength": 1}, {"type": ["integer", "string"], "enum": [1, "a"]}, {"type": "boolean"},
        {}, True, {"type": "null"}, {"type": "string", "nullable": True}])


def make_object(chance, depth):
    properties = {chance.choice(NAMES): make(chance, depth - 1) for _ in range(chance.randint(1, 3))}
    schema = {"type": chance.choice(["object", ["object", "null"]]), "properties": properties,
              "required": chance.sample(list(properties), chance.randint(0, len(properties)))}
    if chance.random() < .4:
        schema["additionalProperties"] = chance.choice([False, True, {"type": "string"}])
    if chance.random() < .2:
        schema["anyOf"] = [{"required": [chance.choice(list(properties))]}, {"required": ["b"]}]
    return schema


def make(chance, depth):
    kind = chance.random() if depth else 0
    if kind < .25:
        return make_simple(chance)
    if kind < .5:
        return make_object(chance, depth)
    if kind < .6:
        return {"type": "array", "items": make(chance, depth - 1), "minItems": chance.randint(0, 1), "maxItems": 3}
    if kind < .67:
        return {"type": "array", "prefixItems": [make(chance, depth - 1), make(chance, depth - 1)],
                "items": chance.choice([False, {"type": "string"}])}
    if kind < .82:
        return {chance.choice(["anyOf", "oneOf"]): [make(chance, depth - 1) for _ in range(chance.randint(1, 3))]}
    if kind < .9:
        return {"allOf": [make(chance, depth - 1) for _ in range(chance.randint(1, 2))]}
    return {"$ref": chance.choice(["#/$defs/A", "#/$defs/B"])}


def make_root(chance):
    """With a definition that contains itself."""
    again = {"type": "object", "properties": {"a": make(chance, 1), "n": {"$ref": "#/$defs/B"}}}
    return {"type": "object", "properties": {"v": make(chance, 4)}, "$defs": {"A": make(chance, 2), "B": again}}


def any_value(chance, depth):
    if not depth or chance.random() < .6:
        return chance.choice(SCALARS)
    if chance.random() < .4:
        return [any_value(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    return {chance.choice(NAMES): any_value(chance, depth - 1) for _ in range(chance.randint(0, 3))}


def value_of_type(chance, schema, root, depth):
    name = schema.get("type")
    name = chance.choice(name) if isinstance(name, list) else name
    simple = {"string": ["a", "b", ""], "integer": [0, 1, 2], "number": [0, .5, 3], "boolean": [True], "null": [None]}
    if name in simple:
        return chance.choice(simple[name])
    if name == "array":
        items = schema["items"] if isinstance(schema["items"], dict) else {"type": "string"}
        rest = [value_of(chance, items, root, depth - 1) for _ in range(chance.randint(0, 2))]
        return [value_of(chance, one, root, depth - 1) for one in schema.get("prefixItems", [])] + rest
    if name == "object":
        value = {key: value_of(chance, one, root, depth - 1) for key, one in schema["properties"].items() if chance.random() < .9}
        return value | ({"z": "a"} if chance.random() < .3 else {})
    return any_value(chance, 2)


def value_of(chance, schema, root, depth=6):
    """A value that fits more often than not."""
    if not depth or isinstance(schema, bool) or chance.random() < .05:
        return any_value(chance, 1)
    if "$ref" in schema:
        return value_of(chance, named(root, schema["$ref"]), root, depth - 1)
    for word in ("enum", "const"):
        if word in schema:
            return chance.choice(schema[word]) if word == "enum" else schema[word]
    for word in ("oneOf", "allOf") + (() if "properties" in schema else ("anyOf",)):
        if word in schema:
            return value_of(chance, chance.choice(schema[word]), root, depth - 1)
    return value_of_type(chance, schema, root, depth)

"""The config's records have the keys of the schema.

Covers also: mechanism_records.
"""

from typing import get_args, get_type_hints, is_typeddict

from shapsketch.settings import records


def record_keys(record, schema):
    """The keys of a record and of those it holds, beside those of the schema, by place."""
    keys = {"": (set(record.__annotations__), set(schema["properties"]))}
    for name, part in get_type_hints(record, include_extras=True).items():
        below = schema["properties"][name]
        holders = [part for part in (below.get("additionalProperties"), below) if isinstance(part, dict)]
        branches = [b for part in holders for b in (part, *part.get("anyOf", ()), *part.get("oneOf", ()))]
        objects = [b for b in branches if isinstance(b, dict) and "properties" in b]
        inner = next((kind for kind in kinds_of(part) if is_typeddict(kind)), None)
        if inner is not None:
            keys |= {f"{name}.{place}": pair for place, pair in record_keys(inner, objects[0]).items()}
    return keys


def kinds_of(annotation):
    """A type and all that it is made of, the outermost first."""
    return [annotation, *(kind for part in get_args(annotation) for kind in kinds_of(part))]


def test_the_records_have_the_keys_of_the_schema(schema):
    keys = record_keys(records.Config, schema)
    assert {"models.", "models.sketch.near.", "models.background.mutate.", "explain.masks.players."} <= set(keys)
    for place, (of_record, of_schema) in keys.items():
        assert of_record == of_schema, place

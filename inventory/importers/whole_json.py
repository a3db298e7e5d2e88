"""Reads a JSON file of moderate size as a whole: answers, cards and configurations, which are never streams."""

import json
from collections.abc import Mapping
from typing import Any

from inventory.importers.base import SourceFile, WrongFile
from inventory.importers.files import MEGABYTE, json_content

# Any: JSON of the file's making until each field has been checked.
Object = Mapping[str, Any]

LARGEST = 128 * MEGABYTE


def read_json(file: SourceFile) -> Any:
    """The object or list that the file holds. Raises WrongFile with a sentence."""
    content = json_content(file)
    text = content.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise WrongFile(f"{file.name} is larger than {LARGEST // MEGABYTE} MB. Split it.")
    try:
        return json.loads(text)
    except UnicodeDecodeError:
        raise WrongFile(f"{file.name} is not UTF-8 text. Save the file as UTF-8.") from None
    except RecursionError:
        raise WrongFile(f"{file.name} is nested too deep. Export it again.") from None
    except ValueError as bad:
        at = f" (line {bad.lineno})" if isinstance(bad, json.JSONDecodeError) else ""
        raise WrongFile(f"{file.name} is not valid JSON{at}. Export it again.") from None


def objects_of(value: object) -> list[Object]:
    """The objects of a list, or the object itself; what is neither is left out."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def object_at(item: Object, *path: str) -> Object:
    """The object at the end of a path of keys; an empty one where there is none."""
    found: object = item
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def texts_at(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []

"""What a request asks for: its JSON, checked."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import InputError, WeightsError, shortened
from ..options import RestoreOptions, option_specs
from .models import AUTO
from .service import Service

MAX_BODY_BYTES = 64 << 20
MAX_PIXELS = 50_000_000
FIELDS = ("image", "model", "options")
_MOST_VALUES = 1000


class Task(NamedTuple):
    """A parsed request. Its picture is not decoded yet."""

    image: str
    """A picture file in base64."""
    model: str
    options: RestoreOptions


def parse_body(content: bytes) -> Any:
    """The value of a request's JSON. Raises InputError if it is not JSON or unlike any body of ours."""
    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_VALUES:  # a list takes 30 times its text in memory
        raise InputError(f"the body has more than {_MOST_VALUES} values")
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise InputError("the body is nested too deeply") from error
    except ValueError as error:  # also bytes that are not text, and numbers of thousands of digits
        raise InputError(f"the body is not JSON: {error}") from error


def read_task(body: Any, service: Service) -> Task:
    """The task of a request's JSON. Raises InputError or WeightsError with a message for the caller."""
    if not isinstance(body, dict) or not isinstance(body.get("image"), str):
        raise InputError('the body is a JSON object like {"image": "<base64>", "model": "auto", "options": {}}')
    unknown = sorted(set(body) - set(FIELDS))
    values, model = _given(body, "options", {}), _given(body, "model", AUTO)
    if unknown or not isinstance(values, dict) or not isinstance(model, str):
        what = f"unknown field {shortened(', '.join(unknown))}" if unknown else "model is text and options an object"
        raise InputError(f"{what}; the fields are {', '.join(FIELDS)}")
    if "model" in values:
        raise InputError("model goes next to options, not inside")
    options = _options(values)
    for name in (service.models.resolve(model), options.detector):
        if name != AUTO and not service.models.is_present(name):  # remote programs must not start downloads
            raise WeightsError(f"{name} is not on this machine; {service.how_to_get}")
    return Task(body["image"], model, options)


def _given(body: Mapping[str, Any], field: str, default: Any) -> Any:
    """A field; null means its default."""
    value = body.get(field)
    return default if value is None else value


def _options(values: Mapping[str, Any]) -> RestoreOptions:
    known = [spec.name for spec in option_specs()]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"unknown option {shortened(', '.join(unknown))}; known are {', '.join(known)}")
    return RestoreOptions(**{name: value for name, value in values.items() if value is not None})


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it has no {name}")

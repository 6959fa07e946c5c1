"""What generated models are made of. Written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], given: Mapping[str, Any], values: Mapping[str, Any]) -> Model:
    """The model with what was given; what was not stays unset, so that it is not sent back as null."""
    return model.model_validate({name: value for name, value in values.items() if value is not None or name in given})

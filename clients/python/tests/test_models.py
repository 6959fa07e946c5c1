"""What generated models read they write again."""

from __future__ import annotations

import json
import unittest
from typing import Any

from flowpact.models import (
    CreateFormRequest,
    FormCheckboxField,
    FormDateField,
    FormField,
    FormFieldOption,
    FormMultiselectField,
    FormNumberField,
    FormSelectField,
    FormTextField,
    WorkflowDefinition,
)


class Models(unittest.TestCase):
    def test_what_is_not_there_is_not_written_as_null(self) -> None:
        for more in ({}, {"output": None}, {"output": "{{ steps.answer.output }}"}):
            given: dict[str, Any] = {"nodes": [{"id": "answer", "type": "respond", "params": {}}], "edges": [], **more}
            definition = WorkflowDefinition.from_dict(given)
            assert definition is not None
            self.assertEqual(definition.to_dict(), given)

    def test_fields_of_forms_are_read_by_their_type(self) -> None:
        options: list[dict[str, Any]] = [{"value": "x", "label": "X"}]
        wanted: list[tuple[type, dict[str, Any]]] = [
            (FormTextField, {"type": "email", "max_length": 200}),
            (FormNumberField, {"type": "number", "min": 1, "integer": True}),
            (FormDateField, {"type": "date", "min_date": "2026-11-22"}),
            (FormSelectField, {"type": "select", "options": options}),
            (FormMultiselectField, {"type": "multiselect", "options": options, "min_items": 1}),
            (FormCheckboxField, {"type": "checkbox"}),
        ]
        for kind, more in wanted:
            given = {"name": "a", "label": "A", **more}
            form = CreateFormRequest.from_dict({"name": "Form", "fields": [given]})
            assert form is not None and form.fields is not None
            self.assertIsInstance(form.fields[0].actual_instance, kind)
            self.assertEqual(json.loads(form.to_json())["fields"], [given])

    def test_fields_of_forms_are_written_as_they_were_made(self) -> None:
        email = FormTextField(name="email", type="email", label="E-mail", required=True)
        plan = FormSelectField(name="p", type="select", label="P", options=[FormFieldOption(value="x", label="X")])
        form = CreateFormRequest(name="Form", fields=[FormField(email), FormField(plan)])
        self.assertEqual(
            json.loads(form.to_json())["fields"],
            [
                {"name": "email", "type": "email", "label": "E-mail", "required": True},
                {"name": "p", "type": "select", "label": "P", "options": [{"value": "x", "label": "X"}]},
            ],
        )


if __name__ == "__main__":
    unittest.main()

"""What generated models read they write again."""

from __future__ import annotations

import unittest
from typing import Any

from flowpact.models import WorkflowDefinition


class Models(unittest.TestCase):
    def test_what_is_not_there_is_not_written_as_null(self) -> None:
        for more in ({}, {"output": None}, {"output": "{{ steps.answer.output }}"}):
            given: dict[str, Any] = {"nodes": [{"id": "answer", "type": "respond", "params": {}}], "edges": [], **more}
            definition = WorkflowDefinition.from_dict(given)
            assert definition is not None
            self.assertEqual(definition.to_dict(), given)


if __name__ == "__main__":
    unittest.main()

"""What the integration user may see and edit: field-level security as the package grants it."""

from __future__ import annotations

from simulators.salesforce.org import Org
from simulators.salesforce.schema import Field, SObject


class Access:
    """Field and object permissions of the integration user; people see and edit everything.

    A fresh org has the package's integration permission set assigned: human fields are
    readable and not editable. A hidden field does not exist for the API at all.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._hidden_objects: set[str] = set()
        self._hidden: set[tuple[str, str]] = set()
        self._read_only: set[tuple[str, str]] = {
            (one.name, field.name)
            for one in org.schema.values()
            for field in one.fields.values()
            if field.human
        }

    def hide_object(self, object_name: str) -> None:
        """Take away the object, as a licence without it does."""
        self._hidden_objects.add(object_name)

    def show_object(self, object_name: str) -> None:
        """Give the object back."""
        self._hidden_objects.discard(object_name)

    def hide_field(self, object_name: str, field: str) -> None:
        """Take away read access to one field."""
        self._known(object_name, field)
        self._hidden.add((object_name, field))

    def show_field(self, object_name: str, field: str) -> None:
        """Give read access back."""
        self._hidden.discard((object_name, field))

    def grant_edit(self, object_name: str, field: str) -> None:
        """Let the integration user edit a field."""
        self._known(object_name, field)
        self._read_only.discard((object_name, field))

    def revoke_edit(self, object_name: str, field: str) -> None:
        """Make a field read-only for the integration user."""
        self._known(object_name, field)
        self._read_only.add((object_name, field))

    def object(self, name: str) -> SObject | None:
        """The object, unless it does not exist or is hidden."""
        found = self._org.object(name)
        return None if found is None or found.name in self._hidden_objects else found

    def sees(self, one: SObject, field: Field) -> bool:
        """Whether the field exists for the API."""
        return (one.name, field.name) not in self._hidden

    def may_edit(self, one: SObject, field: Field) -> bool:
        """Whether field-level security lets the integration user write the field."""
        return (one.name, field.name) not in self._read_only

    def field(self, one: SObject, name: str) -> Field | None:
        """The field of that name, unless it does not exist or is hidden."""
        found = one.find(name)
        return None if found is None or not self.sees(one, found) else found

    def fields(self, one: SObject) -> list[Field]:
        """All visible fields, in order."""
        return [field for field in one.fields.values() if self.sees(one, field)]

    def _known(self, object_name: str, field: str) -> None:
        if field not in self._org.schema[object_name].fields:
            raise KeyError(f"{object_name} has no field {field}")

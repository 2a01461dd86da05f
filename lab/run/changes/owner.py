"""The owner of objects: `owner: {app.txt: "5:5"}`."""

from __future__ import annotations

from pydantic import field_validator

from lab.run.changes.kind import ByPath, Shell


class Owner(ByPath):
    """Set the owner of each path and of all below it, as "user:group"; links themselves are changed."""

    @field_validator("root")
    @classmethod
    def _no_option(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := next((owner for owner in value.values() if owner.startswith("-")), None):
            raise ValueError(f"an owner is written as user:group, not {wrong}")
        return value

    def commands(self) -> list[Shell]:
        """One chown for each path, as root."""
        return self.each(lambda path, owner: [Shell(("chown", "-h", "-R", owner, path), root=True)], follows=False)

"""Who may see and do what: few roles, and the offices that each user was granted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """What a user may do in the offices granted to him."""

    says: str
    every_office: bool = False  # needs no grants
    sees_numbers: bool = False  # callers' numbers as they are stored; others see a code in place of each
    changes: bool = False  # uploads imports, saves reports
    stays: bool = False  # a screen on a wall: not signed out for being idle


ADMIN, MANAGER, VIEWER, WALLBOARD = "admin", "manager", "viewer", "wallboard"
ROLES = {
    ADMIN: Role("everything, of every office", every_office=True, sees_numbers=True, changes=True),
    MANAGER: Role("reads everything of the offices granted, uploads imports", sees_numbers=True, changes=True),
    VIEWER: Role("reads everything of the offices granted but callers' numbers"),
    WALLBOARD: Role("the same for a screen that nobody sits at: stays signed in", stays=True),
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a user by session or token; `name` is "" where nobody has to sign in, and everything is allowed then.

    `offices`: those granted; None: every one.
    """

    name: str = ""
    role: str = ADMIN
    offices: frozenset[str] | None = None

    @property
    def sees_numbers(self) -> bool:
        """Whether callers' numbers are shown."""
        return ROLES[self.role].sees_numbers

    @property
    def changes(self) -> bool:
        """Whether anything may be uploaded or saved, in the offices granted."""
        return ROLES[self.role].changes

    @property
    def administers(self) -> bool:
        """Whether what belongs to no single office is open."""
        return self.role == ADMIN


ANYBODY = Asker()  # where nobody has to sign in

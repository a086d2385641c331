"""All tables of ours, in one metadata."""

from . import audit_tables as audit_tables
from . import desk_tables as desk_tables
from . import lesson_tables as lesson_tables
from . import price_tables as price_tables
from .tables import metadata as metadata

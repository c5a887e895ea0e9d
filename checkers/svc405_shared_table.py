"""Two services use the same table of the same database.

Tables are told by the classes that stand for them (SQLAlchemy, SQLModel, Django), ``Table(…)``, foreign keys
and SQL that is written out. If one service alone defines the table, the finding is where another uses it.

Databases are the same if that is shown: by the URL or the host and name that compose files or Kubernetes
manifests set, by what both connect to, by a setting of a module that both use, or by the same ``database`` in
the settings of both services.

Why it hurts: neither can change the table without the other, and no interface says so; a lock or a slow query
of one stops both.

Instead: let one own the table and ask it; or list the table in ``shared-tables``.

Gaps: a service that uses several databases is not judged, nor are tables whose names are made at run time.
SQL is read by sqlglot, of the extra ``sql``.
"""

from servicelint.rule import Findings, Module, Rule

RULE = Rule(__name__, __doc__, message="{subject}: {reason}", on_by_default=False, extra="sql")


@RULE.each_module
def shared_tables(module: Module) -> Findings:
    """Uses of tables that another service uses, too."""
    for fault in module.shared_tables():
        yield RULE.at_fault(fault)

"""An import reaches a service that is not depended on by import, through modules of nobody.

``orders`` imports ``common.prices``, which belongs to no service or is shared, and which imports ``billing``.
The finding is the shortest such chain from the file, with the line of each import.

Why it hurts: as for SVC401: the services are tied to each other; one only does not see it at the import.

Instead: cut the chain where it enters the other service: shared modules should import no service.

Gaps: packages above an imported module are not counted, though Python runs their ``__init__`` too.
"""

from servicelint.rule import Findings, Module, Rule, import_step

RULE = Rule(
    __name__,
    __doc__,
    message="{source} imports {target} indirectly, and depends on it not by import: {chain}",
    rests_on="imports",
)


@RULE.each_module
def indirect_imports_across_boundaries(module: Module) -> Findings:
    """Chains of imports through modules of nobody into services that are not depended on by import."""
    for chain in module.indirect_imports():
        names = [chain.edges[0].importer.name, *(edge.name for edge in chain.edges)]
        yield RULE.at_import(
            chain.edges[0],
            severity="info" if chain.is_mild else None,
            trace=[import_step(edge) for edge in chain.edges],
            source=chain.source,
            target=chain.target,
            chain=" -> ".join(names),
        )

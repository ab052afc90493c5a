"""Lock files that installed packages brought along."""

import pytest
from memory_tree import MemoryTree, read
from test_ecosystems import CATALOGUERS, tree_of


@pytest.mark.parametrize("name", ["bun-lock", "npm-lock", "pnpm-lock", "yarn-lock"])
@pytest.mark.parametrize("above", ["node_modules/uri-js/", "app/node_modules/@s/b/"])
def test_what_a_dependency_is_built_with_is_not_installed(name: str, above: str):
    for path, content in tree_of(name).items():
        own, inside = f"app/{path}", above + path
        tree = MemoryTree({own: content, inside: content})
        assert read(CATALOGUERS[name], tree, own)[0]
        assert read(CATALOGUERS[name], tree, inside) == ([], "")

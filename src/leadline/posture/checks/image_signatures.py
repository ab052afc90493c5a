"""What the registries of images said about their signatures, where they were asked."""

from leadline.model.control import NotJudged
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Container


def signature_of(container: Container, inventory: Inventory) -> str:
    """``trusted``, ``not trusted`` or ``unsigned``.

    Raises: ``NotJudged`` where that is not known.
    """
    known = inventory.facts.signatures
    if known is None:
        raise NotJudged("no registry was asked who signed the images")
    state = known.get(container.image)
    if state is None:
        raise NotJudged("its registry did not say who signed it")
    return state

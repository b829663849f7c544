"""Configurations that hold themselves, in any way, are collected; others need no collector."""

import gc
import weakref

import pytest

from experimaestro import Any, Config, Param, field


class Node(Config):
    value: Param[int]
    next: Param[Config] = field(default=None)
    nodes: Param[list[Config]] = field(default_factory=list)
    any: Param[Any] = field(default=None)


def by_parameter(node):
    node.next = node


def by_list(node):
    node.nodes = [Node.C(value=2), node]


def by_a_list_that_grows(node):
    node.nodes.append(node)


def by_attribute(node):
    node.other = [node]


def by_another(node):
    node.next = Node.C(value=2, any={"back": [node]})


@pytest.mark.parametrize(
    "hold", [by_parameter, by_list, by_a_list_that_grows, by_attribute, by_another]
)
@pytest.mark.parametrize("identified", [False, True])
def test_what_holds_itself_is_collected(hold, identified):
    node = Node.C(value=1)
    reference = weakref.ref(node)
    hold(node)
    if identified:
        assert node.__xpm__.identifier
    del node
    gc.collect()
    assert reference() is None


def test_what_holds_numbers_and_texts_is_not_watched():
    node = Node.C(value=1, any="text")
    assert not gc.is_tracked(node)
    node.next = Node.C(value=2)
    assert gc.is_tracked(node) and not gc.is_tracked(node.next)


def test_a_list_of_numbers_changes_after_it_was_read():
    node = Node.C(value=1, any=[1, 2])
    before = node.__xpm__.identifier
    node.any.append(3)
    assert node.any == [1, 2, 3]
    assert node.__xpm__.identifier != before

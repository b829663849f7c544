"""TagDict: the tags of a configuration."""


def refuse(self, *args, **kwargs):
    raise TypeError("tags cannot be changed here: tag the configuration, or take dict(tags)")


def frozen(value):
    if isinstance(value, dict):
        return frozenset((key, frozen(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    return frozenset(value) if isinstance(value, set) else value


class TagDict(dict):
    """Tags, in order of name. It cannot change, and can be the key of a dict."""

    def __init__(self, *args, **kwargs):
        super().__init__(sorted(dict(*args, **kwargs).items()))

    def __hash__(self):
        return hash(frozen(dict(self)))

    def __reduce__(self):
        return TagDict, (dict(self),)

    __setitem__ = __delitem__ = __ior__ = refuse
    clear = pop = popitem = setdefault = update = refuse

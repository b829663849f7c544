"""TagDict: the tags of a configuration."""


def refuse(self, *args, **kwargs):
    raise TypeError("tags cannot be changed here: tag the configuration, or take dict(tags)")


class TagDict(dict):
    """Tags, in order of name. It cannot change, and can be the key of a dict."""

    def __init__(self, *args, **kwargs):
        super().__init__(sorted(dict(*args, **kwargs).items()))

    def __hash__(self):
        return hash(tuple(self.items()))

    def __reduce__(self):
        return TagDict, (dict(self),)

    __setitem__ = __delitem__ = __ior__ = refuse
    clear = pop = popitem = setdefault = update = refuse

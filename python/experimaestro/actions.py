"""Actions: what people may do with the results of an experiment, and how it asks them."""

from .config import Config


class Action(Config):
    """Something to do with the results of an experiment, when somebody asks for it: to publish
    them, for example. `experiment.add_action`, or the `add_action` of a task's `__submit__`, lists
    it with the run.

        class Publish(Action):
            model: Param[Model]

            def describe(self):
                return "publishes the model"

            def execute(self, interaction):
                name = interaction.text("name", "Name of the model")
    """

    def describe(self):
        """One sentence for people: what it does."""
        return type(self).__qualname__

    def execute(self, interaction):
        """Does it, asking by an Interaction."""
        raise NotImplementedError(f"{type(self).__qualname__} has no method execute")


class Interaction:
    """How an action asks. `key` names the question, for answers that are given beforehand; `label`
    is what is asked."""

    def choice(self, key, label, choices):
        """One of the texts `choices`."""
        raise NotImplementedError(f"{type(self).__qualname__} has no method choice")

    def checkbox(self, key, label, *, default=False):
        """Yes or no: a bool."""
        raise NotImplementedError(f"{type(self).__qualname__} has no method checkbox")

    def text(self, key, label, *, default=""):
        """A text."""
        raise NotImplementedError(f"{type(self).__qualname__} has no method text")


class CLIInteraction(Interaction):
    """Asks on the terminal what `prefill`, a dict of key to answer, does not answer.

    ValueError when a prefilled answer is none of the choices, or neither yes nor no; EOFError when
    there is nobody to answer.
    """

    def __init__(self, prefill=None):
        self.prefill = dict(prefill or {})

    def choice(self, key, label, choices):
        choices = list(choices)
        if key in self.prefill:
            answer = self.prefill[key]
            if answer not in choices:
                raise ValueError(f"{key}: {answer!r} is not one of the choices "
                                 f"{', '.join(map(repr, choices))}")
            return answer
        print(label)
        for number, choice in enumerate(choices, 1):
            print(f"  {number}. {choice}")
        while True:
            answer = input(f"1-{len(choices)} ({key})? ").strip()
            if answer in choices:
                return answer
            if answer.isdecimal() and 0 < int(answer) <= len(choices):
                return choices[int(answer) - 1]

    def checkbox(self, key, label, *, default=False):
        if key in self.prefill:
            return read_bool(key, self.prefill[key])
        while True:
            answer = input(f"{label} ({key}) [{'Y/n' if default else 'y/N'}]? ").strip()
            if not answer:
                return default
            try:
                return read_bool(key, answer)
            except ValueError as error:
                print(error)

    def text(self, key, label, *, default=""):
        if key in self.prefill:
            return self.prefill[key]
        return input(f"{label} ({key}){f' [{default}]' if default else ''}: ") or default


def read_bool(key, answer):
    """The bool that an answer is: a bool, or a text like "yes"."""
    words = {"true": True, "yes": True, "y": True, "on": True, "1": True,
             "false": False, "no": False, "n": False, "off": False, "0": False}
    found = words.get(str(answer).strip().lower())
    if found is None:
        raise ValueError(f"{key}: {answer!r} is neither yes nor no")
    return found

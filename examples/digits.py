"""Digits: the seed's experiment on a small real data set.

RandomFold draws a training and a test part from scikit-learn's handwritten digits, ModelLearn
learns a classifier on the first for each of four values of gamma (the tag), Evaluate scores each
on the second.

    python examples/digits.py WORKSPACE
"""

import json
import pickle
import sys

from experimaestro import Annotated, Config, Param, Path, Task, experiment, pathgenerator, tag


class Documents(Config):
    """All the digits: what is sampled from."""

    name: Param[str] = "digits"

    def load(self):
        from sklearn.datasets import load_digits

        return load_digits(return_X_y=True)


class Topics(Config):
    """Which of the documents are for training, and which for testing."""

    path: Param[Path]

    def indices(self):
        fold = json.loads(self.path.read_text())
        return fold["train"], fold["test"]


class Dataset(Config):
    topics: Param[Topics]
    documents: Param[Documents]

    def split(self):
        images, labels = self.documents.load()
        train, test = self.topics.indices()
        return (images[train], labels[train]), (images[test], labels[test])


class RandomFold(Task):
    """Samples a training and a test part; the documents are left untouched."""

    documents: Param[Documents]
    seed: Param[int] = 0
    topics: Annotated[Path, pathgenerator("topics.json")]

    def execute(self):
        from sklearn.model_selection import train_test_split

        images, _ = self.documents.load()
        train, test = train_test_split(range(len(images)), random_state=self.seed)
        self.topics.write_text(json.dumps({"train": train, "test": test}))

    def task_outputs(self, dep) -> Dataset:
        return dep(Dataset(topics=dep(Topics(path=self.topics)), documents=self.documents))


class Model(Config):
    gamma: Param[float]


class ModelLearn(Task):
    model: Param[Model]
    dataset: Param[Dataset]
    parameters: Annotated[Path, pathgenerator("parameters.pickle")]

    def execute(self):
        from sklearn.svm import SVC

        (images, labels), _ = self.dataset.split()
        classifier = SVC(gamma=self.model.gamma).fit(images, labels)
        self.parameters.write_bytes(pickle.dumps(classifier))
        print("learnt with", self.__tags__, "in", self.__taskdir__)


class Evaluate(Task):
    learned: Param[ModelLearn]
    dataset: Param[Dataset]
    score: Annotated[Path, pathgenerator("score.json")]

    def execute(self):
        classifier = pickle.loads(self.learned.parameters.read_bytes())
        _, (images, labels) = self.dataset.split()
        self.score.write_text(json.dumps({"accuracy": classifier.score(images, labels)}))


def main(workspace):
    with experiment(workspace, "digits") as xp:
        dataset = RandomFold(documents=Documents()).submit()
        evaluations = []
        for gamma in (1e-4, 1e-3, 1e-2, 1e-1):
            learned = ModelLearn(model=Model(gamma=tag(gamma)), dataset=dataset).submit()
            evaluations.append(Evaluate(learned=learned, dataset=dataset).submit())
        xp.wait()
        counts = xp.counts

    print("gamma    accuracy")
    for evaluation in evaluations:
        accuracy = json.loads(evaluation.score.read_text())["accuracy"]
        print(f"{evaluation.tags()['gamma']:<8g} {accuracy:.4f}")
    print("{submitted} jobs: {done} done; {started} started".format(**counts), end="")
    print(" (nothing to do)" if counts["started"] == 0 else "")
    print("results in", xp.workdir)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "workspace")

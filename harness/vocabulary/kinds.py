"""What a job does and what it is for; as text these words stand in keys and rows."""

from enum import StrEnum


class Kind(StrEnum):
    """What a job does."""

    SEARCH = "search"
    PERTURBATION = "perturbation"  # decides in a finished supernet, choice by choice, what is kept
    TRAIN = "train"  # final training, of searched networks, twins, baselines
    SCORE = "score"  # a candidate's fitness
    TUNE = "tune"
    BLACK_BOX = "black-box"  # a whole search of which a table answers every query


SUPERNETS = (Kind.SEARCH, Kind.PERTURBATION)  # these train a supernet; their rows hold what rules read


class Role(StrEnum):
    """What a job is for: of final trainings the side of the comparison, else its kind."""

    METHOD = "method"
    TWIN = "twin"
    BASELINE = "baseline"
    PRETRAINING = "pretraining"  # others start from its weights
    SEARCH = "search"
    PERTURBATION = "perturbation"
    SCORE = "score"
    TUNE = "tune"
    BLACK_BOX = "black-box"

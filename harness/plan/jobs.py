"""A plan: jobs by their content keys, and the rows of the table that they are for."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace

from harness.errors import BadInput
from harness.plan.keys import SCHEMA, content_key
from harness.plan.settings import Settings, weights_read
from harness.vocabulary.kinds import Kind, Role
from harness.vocabulary.rows import Row


@dataclass(frozen=True)
class Job:
    """A planned unit of work; `method` is the row of the table that it is for."""

    key: str
    kind: Kind
    method: str
    role: Role
    settings: Settings = field(repr=False)
    needs: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    twin_of: str | None = None
    pair: str | None = None

    @property
    def seed(self) -> int:
        return int(self.settings["seed"])

    @property
    def train_seed(self) -> int:
        return int(self.settings.get("train_seed", 0))

    @property
    def twin(self) -> int:
        return int(self.settings.get("source", {}).get("twin", 0))

    @property
    def reads(self) -> tuple[str, ...]:
        """Of the jobs that it needs, those whose weights it starts from."""
        return weights_read(self.settings)


MOST_JOBS = 100_000  # of a study
MOST_LINKS = 20_000_000  # a tuning's trial needs all before it


def check_size(jobs: int, links: int = 0) -> None:
    """Raises BadInput where a plan grows beyond what a driver holds in its memory."""
    if jobs > MOST_JOBS or links > MOST_LINKS:
        what = f"{MOST_JOBS:,} trials" if jobs > MOST_JOBS else f"{MOST_LINKS:,} dependencies between trials"
        raise BadInput(f"the study would have more than {what}; take fewer seeds, twins, candidates or tuning trials")


@dataclass(frozen=True)
class TableRow:
    """A row of the comparison table, and the row of its twins."""

    method: str
    role: Role
    rule: str | None = None
    search_epochs: int | None = None
    twin: str | None = None
    best_of: int | None = None  # searches, of which the best is this row


@dataclass
class Plan:
    """Jobs in the order in which they should start, by key; the table's rows; and the schema of the keys."""

    jobs: dict[str, Job] = field(default_factory=dict)
    rows: dict[str, TableRow] = field(default_factory=dict)
    schema: int = SCHEMA
    links: int = field(default=0, compare=False)  # needs of all jobs together

    def add(self, kind: Kind, method: str, settings: Settings, needs: Iterable[str] = (), role: Role | None = None,
            twin_of: str | None = None, pair: str | None = None) -> str:  # fmt: skip
        """Plans a job, or adds `method` to the one with equal settings; returns its key. Raises BadInput."""
        settings = {"schema": self.schema, "kind": kind, **settings}
        key = content_key(settings)
        if (known := self.jobs.get(key)) is not None:
            self.jobs[key] = replace(known, methods=tuple(dict.fromkeys((*known.methods, method))))
        else:
            needs = tuple(dict.fromkeys(needs))
            self.links += len(needs)
            check_size(len(self.jobs) + 1, self.links)
            self.jobs[key] = Job(key, kind, method, role or Role(kind), settings, needs, (method,), twin_of, pair)
        return key

    def only(self, kinds: Collection[str]) -> "Plan":
        """The jobs of these kinds and whatever they need; all where `kinds` is empty."""
        wanted = {key for key, job in self.jobs.items() if not kinds or job.kind in kinds}
        for key in reversed(self.jobs):
            wanted.update(self.jobs[key].needs if key in wanted else ())
        return Plan({key: job for key, job in self.jobs.items() if key in wanted}, self.rows, self.schema)

    def summary(self) -> list[Settings]:
        """The jobs as the report wants them, without their settings."""
        return [
            {
                "key": j.key,
                "kind": j.kind,
                "method": j.method,
                "methods": list(j.methods),
                "role": j.role,
                "seed": j.seed,
                "needs": list(j.needs),
            }
            for j in self.jobs.values()
        ]


def described(job: Job) -> Row:
    """The part of a row that its job alone decides, but for the settings."""
    return {"schema": job.settings["schema"], "key": job.key, "kind": job.kind, "method": job.method,
            "methods": list(job.methods), "role": job.role, "twin_of": job.twin_of, "pair": job.pair,
            "needs": list(job.needs), "seed": job.seed, "train_seed": job.train_seed, "twin": job.twin}  # fmt: skip


def as_json(row: TableRow) -> Settings:
    """Without what came later and is not set, so that protocols of older folders stay as they are."""
    return {name: value for name, value in asdict(row).items() if (name, value) != ("best_of", None)}

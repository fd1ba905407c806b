"""Which module goes to which room, and which symbols leave their module."""

H = "harness."

MODULES = {  # old module → new module, which gets all that SYMBOLS does not send elsewhere
    "harness.cli": "harness.cli",
    "harness.errors": "harness.errors",
    "harness.streams": "harness.seeding",
    "harness.vocabulary": "harness.vocabulary.rows",
    # commands
    "harness.options": "harness.commands.options",
    "harness.given": "harness.commands.context",
    "harness.opening": "harness.commands.open_space",
    "harness.pages": "harness.commands.report_pages",
    "harness.until": "harness.commands.run_until",
    "harness.estimate": "harness.commands.plan",
    "harness.tuning_export": "harness.commands.tune",
    "harness.probe": "harness.commands.probe",
    "harness.status": "harness.commands.status",
    "harness.verify": "harness.commands.verify",
    "harness.decode": "harness.commands.decode",
    "harness.check": "harness.commands.check",
    # data
    "harness.data": "harness.data.datasets",
    "harness.images": "harness.data.images",
    "harness.other_data": "harness.data.external",
    # engine
    "harness.engine": "harness.engine.engine",
    "harness.graphs": "harness.engine.graphs",
    "harness.products": "harness.engine.small_convolutions",
    "harness.memory": "harness.engine.memory",
    "harness.packing": "harness.engine.packing",
    "harness.instructions": "harness.engine.instructions",
    "harness.precision": "harness.engine.precision",
    # plan
    "harness.plan": "harness.plan.make",
    "harness.keys": "harness.plan.keys",
    "harness.methods": "harness.plan.methods",
    "harness.sources": "harness.plan.sources",
    "harness.resolve": "harness.plan.resolve",
    "harness.evolve": "harness.plan.evolve",
    "harness.tuning": "harness.plan.tuning",
    "harness.strategies": "harness.plan.strategies",
    # ray_tune
    "harness.on_ray": "harness.ray_tune.searcher",
    "harness.nodes": "harness.ray_tune.nodes",
    "harness.tensorboard": "harness.ray_tune.tensorboard",
    # run
    "harness.prepare": "harness.run.prepare",
    "harness.running": "harness.run.session",
    "harness.driver": "harness.run.driver",
    "harness.schedule": "harness.run.schedule",
    "harness.admission": "harness.run.admission",
    "harness.weights": "harness.run.kept_weights",
    "harness.reuse": "harness.run.reuse",
    "harness.display": "harness.run.display",
    "harness.paths": "harness.run.engine_paths",
    "harness.in_process": "harness.run.in_process",
    # storage
    "harness.records": "harness.storage.rows",
    "harness.folder": "harness.storage.folder",
    "harness.checkpoint": "harness.storage.checkpoint",
    "harness.provenance": "harness.storage.provenance",
    "harness.protocol": "harness.storage.protocol",
    # study
    "harness.study": "harness.study.schema",
    "harness.ranges": "harness.study.ranges",
    # training
    "harness.train": "harness.training.train",
    "harness.search": "harness.training.search",
    "harness.bilevel": "harness.training.bilevel",
    "harness.initial": "harness.training.initialise",
    "harness.pretrained": "harness.training.pretrained",
    "harness.trial": "harness.training.epochs",
    "harness.kinds": "harness.training.job_kinds",
    "harness.jobs": "harness.training.run_job",
    "harness.formula": "harness.training.formula",
    "harness.watchdog": "harness.training.watchdog",
    # analysis
    "analysis.style": "analysis.figures.style",
    "analysis.figures": "analysis.figures.accuracy",
    "analysis.curves": "analysis.figures.curves",
    "analysis.scale": "analysis.figures.scale",
    "analysis.spreads": "analysis.figures.distributions",
    "analysis.alphas": "analysis.figures.alphas",
    "analysis.drawings": "analysis.figures.drawings",
    "analysis.gallery": "analysis.figures.gallery",
    "analysis.comparisons": "analysis.findings.comparisons",
    "analysis.models": "analysis.findings.slopes",
    "analysis.published": "analysis.findings.published",
    "analysis.caveats": "analysis.findings.caveats",
    "analysis.practices": "analysis.findings.practices",
    "analysis.prose": "analysis.findings.methods_text",
    "analysis.findings": "analysis.findings.collect",
    "analysis.recipes": "analysis.findings.recipes",
    "analysis.provenance": "analysis.report.provenance",
    "analysis.sheets": "analysis.report.sheets",
    "analysis.formats": "analysis.report.formats",
    "analysis.page": "analysis.report.page",
    "analysis.report": "analysis.report.write",
    "analysis.compare": "analysis.report.compare",
    "analysis.rows": "analysis.results.rows",
    "analysis.aggregate": "analysis.results.aggregate",
    "analysis.table": "analysis.results.table",
    "analysis.searches": "analysis.results.searches",
    "analysis.statistics": "analysis.statistics.paired",
    "analysis.regression": "analysis.statistics.regression",
    "analysis.sequential": "analysis.statistics.sequential",
    "analysis.cluster_robust": "analysis.statistics.cluster_robust",
    "analysis.components": "analysis.statistics.components",
    "analysis.detectable": "analysis.statistics.detectable",
    "analysis.effects": "analysis.statistics.effects",
    "analysis.equivalence": "analysis.statistics.equivalence",
    "analysis.fieller": "analysis.statistics.fieller",
    "analysis.moderated": "analysis.statistics.moderated",
    "analysis.permutation": "analysis.statistics.permutation",
    "analysis.rates": "analysis.statistics.rates",
    "analysis.optimum": "analysis.statistics.optimum",
    "analysis.tuning_study": "analysis.tuning.trials",
    "analysis.tuning_figures": "analysis.tuning.figures",
    "analysis.tuning_pages": "analysis.tuning.pages",
    # spaces
    "spaces.architecture": "spaces.architecture",
    "spaces.contract": "spaces.contract",
    "spaces.cost": "spaces.cost",
    "spaces.registry": "spaces.registry",
    "spaces.plugins": "spaces.plugins",
    "spaces.sampling": "spaces.sampling",
    "spaces.space": "spaces.space",
    "spaces.rules": "spaces.custom_rules",
    "spaces.cell": "spaces.cells.space",
    "spaces.cell_graph": "spaces.cells.graph",
    "spaces.cell_network": "spaces.cells.network",
    "spaces.cell_mixed": "spaces.cells.mixed",
    "spaces.cell_supernet": "spaces.cells.supernet",
    "spaces.cell_variation": "spaces.cells.variation",
    "spaces.discretise": "spaces.cells.rules",
    "spaces.genotype": "spaces.cells.genotype",
    "spaces.theta": "spaces.cells.theta",
    "spaces.operations": "spaces.cells.operations",
    "spaces.padding": "spaces.cells.padding",
    "spaces.shortcut": "spaces.shortcuts.space",
    "spaces.shortcut_supernet": "spaces.shortcuts.supernet",
    "spaces.shortcut_merged": "spaces.shortcuts.merged",
    "spaces.vgg": "spaces.shortcuts.vgg",
}

_MOVED = {  # (old module, new module): symbols, "old" or "old>new"
    ("harness.vocabulary", "harness.vocabulary.kinds"): "Kind Role",
    ("harness.data", "harness.data.splits"): "Split split order",
    ("harness.engine", "harness.engine.device"):
        "device_named auto_precision paths rounded_products _deterministic>make_deterministic",
    ("harness.engine", "harness.engine.optimiser"): "restore sgd learning_rate",
    ("harness.train", "harness.engine.optimiser"): "set_rate",
    ("harness.plan", "harness.plan.settings"):
        "Settings weights_read recipe_of search_of validation_portion plain_recipe",
    ("harness.driver", "harness.plan.settings"): "RESOLVED",
    ("harness.plan", "harness.plan.jobs"): "Job TableRow Plan described as_json",
    ("harness.plan", "harness.plan.strategies"): "Found Request Strategy started BASE",
    ("harness.plan", "harness.study.schema"): "LEFT_OUT",
    ("harness.tuning_export", "harness.plan.tuning"): "Studies studies",
    ("harness.on_ray", "harness.ray_tune.cluster"):
        "ATTEMPTS OBJECT_STORE JOIN_SECONDS Options _connect>connect _services>services _dead>end_process _check>check",
    ("harness.on_ray", "harness.ray_tune.worker"): "work misfit share _FIT",
    ("harness.watchdog", "harness.ray_tune.pulse"): "Address Pulse",
    ("harness.prepare", "harness.run.checks"):
        "_check_methods>check_methods _check_tunings>check_tunings _check_size>check_size "
        "_check_pretrained>check_pretrained _check_baseline _check_rule _check_architecture example",
    ("harness.prepare", "harness.study.load"): "load>load_with_recipe _flat",
    ("harness.display", "harness.run.schedule"): "seconds_left",
    ("harness.trial", "harness.training.place"): "Place Progress",
    ("harness.trial", "harness.storage.folder"): "checkpoint_folder watch_file",
    ("harness.weights", "harness.storage.folder"): "weights_file",
    ("harness.weights", "harness.storage.checkpoint"): "keep kept",
    ("harness.checkpoint", "harness.storage.files"): "write_atomically sync_folder size_below",
    ("harness.records", "harness.storage.rows"): "read>read_rows latest>latest_rows",
    ("harness.records", "harness.storage.folder"): "rows_file",
    ("harness.study", "harness.study.validation"): "M validated _plain",
    ("harness.study", "harness.study.load"): "load>load_study packaged _folder _find _apply",
    ("analysis.sheets", "analysis.numbers"): "EMPTY signed plus p_value minus",
    ("analysis.formats", "analysis.numbers"): "data>as_csv significant",
    ("analysis.recipes", "analysis.report.sheets"): "sheet>recipe_sheet HEAD",
    ("analysis.alphas", "analysis.results.searches"): "mean_alpha architectures",
    ("spaces.space", "spaces.plugins"): "imported",
    ("spaces.vgg", "spaces.architecture"): "LAYERS",
}
SYMBOLS = {}
for (_old, _new), _names in _MOVED.items():
    for _name in _names.split():
        _before, _, _after = _name.partition(">")
        SYMBOLS[_old, _before] = (_new, _after or _before)

EXPRESSIONS = {"harness.on_ray": "harness.ray_tune.environment"}  # statements without a name
DOCS = {
    "harness.ray_tune.environment": "What keeps Ray quiet and in its place: environment variables that it reads when it is first imported.",
    "harness.vocabulary.kinds": "What a job does and what it is for; as text these words stand in keys and rows.",
    "harness.vocabulary.rows": "What a trial's row holds, and how a trial ended; as text these words stand in rows.",
    "harness.data.splits": "Which images train the weights and which train α, and in which order an epoch visits them.",
    "harness.engine.engine": """How a step runs on the hardware: in which precision, by which path, and what feeds it.

The data stay on the device as uint8, an epoch's augmentation is one gather, and losses are added up on the device,
so that nothing waits for Python per image.
""",
    "harness.engine.device": """Which device, which precision, and which ways there are to run a step.

Timing never chooses a precision: `auto` follows from device and network; it may choose among the paths of a precision
(harness/run/engine_paths.py).
""",
    "harness.engine.optimiser": "SGD and its learning rate, also where a CUDA graph reads them.",
    "harness.plan.make": """Study → jobs with content keys and dependencies; nothing is run.

A key is the hash of a job's settings, in which other jobs stand by their keys; so every key is known before anything
runs, equal settings share one job, and any setting that decides a result changes its key.
""",
    "harness.plan.settings": "A job's settings as plain values, and what can be read from them.",
    "harness.plan.jobs": "A plan: jobs by their content keys, and the rows of the table that they are for.",
    "harness.ray_tune.searcher": """The plan as Ray Tune trials: a Searcher that suggests a job as soon as what it needs is done.

A trial whose process or node dies goes back to the driver, which suggests it anew; it goes on from its own newest
checkpoint. Tune's retries, schedulers and restore stay out: rows are the truth.
""",
    "harness.ray_tune.cluster": "Starting Ray or joining a cluster, and whether its nodes can do the work.",
    "harness.ray_tune.worker": "What runs in Ray's worker processes: trials, after a look at whether their node may take part.",
    "harness.ray_tune.pulse": "Notices that Ray's services have died.",
    "harness.run.checks": "What may be wrong with a study, its space and its data: found before anything starts.",
    "harness.run.prepare": "From a study to what can be run: checked, with its data, precisions and plan.",
    "harness.study.load": "Study files: found by path or by name, with changes applied.",
    "harness.study.validation": "Values as a part of a study file, or one line that says all that is wrong with them.",
    "harness.study.schema": "A study file as values: frozen, validated, unknown keys refused.",
    "harness.storage.files": "Files and folders: written atomically, made durable, measured.",
    "harness.storage.folder": "Where what lies in a results folder, and what its `study.json` says. Standard library only.",
    "harness.training.place": "Where a trial runs, what it may use, and how far it is.",
    "harness.training.epochs": "A trial's frame: its epochs, with a checkpoint after each.",
    "harness.training.watchdog": "Ends a trial whose epoch does not end.",
    "harness.run.kept_weights": "Weights that jobs leave for others: supernets and pretrained starts. Kept until the last reader has its row.",
    "harness.commands.run": "`nas-harness run`: runs what is missing of a study, and shows its report.",
    "harness.commands.tune": "`nas-harness tune`: runs a study's tunings alone, and exports what they found, as TOML or SQLite.",
    "harness.commands.report": "`nas-harness report`: rebuilds the report of results folders.",
    "harness.cli": """nas-harness: reads the command line and calls the command's module.

That module is imported when its command is given, so that `--help` answers at once and `report` never loads torch.
""",
    "analysis.numbers": "How numbers are written in tables and texts.",
    "spaces.plugins": "What a study names as `package.module:name`.",
}
FIRST = {  # which old module's symbols come first in a new module
    "harness.plan.strategies": ["harness.plan", "harness.strategies"],
    "harness.plan.settings": ["harness.plan", "harness.driver"],
    "harness.plan.tuning": ["harness.tuning", "harness.tuning_export"],
    "harness.study.schema": ["harness.plan", "harness.study"],
    "harness.study.load": ["harness.study", "harness.prepare"],
    "harness.storage.folder": ["harness.folder", "harness.records", "harness.trial", "harness.weights"],
    "harness.storage.checkpoint": ["harness.checkpoint", "harness.weights"],
    "harness.run.schedule": ["harness.schedule", "harness.display"],
    "harness.engine.optimiser": ["harness.engine", "harness.train"],
    "analysis.report.sheets": ["analysis.sheets", "analysis.recipes"],
    "analysis.numbers": ["analysis.sheets", "analysis.formats"],
    "analysis.results.searches": ["analysis.searches", "analysis.alphas"],
    "spaces.architecture": ["spaces.architecture", "spaces.vgg"],
}
_ENVIRONMENT = ["import harness.ray_tune.environment  # noqa: F401 (before ray)", "", "# isort: split"]
HEADS = {f"harness.ray_tune.{name}": _ENVIRONMENT for name in ("searcher", "cluster", "worker")}
DIRECT = {  # modules whose names are imported one by one, never the module
    "harness.storage.rows", "harness.storage.folder", "harness.storage.files", "harness.engine.device",
    "harness.engine.optimiser", "harness.study.load", "harness.study.schema", "harness.study.validation", "harness.plan.make", "harness.plan.jobs",
    "harness.plan.settings", "harness.plan.strategies", "harness.ray_tune.cluster", "harness.data.splits",
    "harness.training.place", "harness.vocabulary.rows", "harness.vocabulary.kinds", "analysis.numbers",
    "analysis.report.write", "harness.run.checks", "harness.run.prepare",
    "harness.plan.resolve", "harness.training.run_job", "harness.commands.check", "harness.commands.plan",
    "harness.commands.probe", "harness.commands.status", "harness.commands.verify", "harness.commands.tune",
}
DIRECT -= {"harness.plan.resolve", "harness.training.run_job", "harness.commands.plan", "harness.commands.probe",
           "harness.commands.status", "harness.commands.verify", "harness.commands.tune", "analysis.report.write"}
ALIASES = {  # where a module's own name means something else in a file
    "analysis.results.rows": "results_rows",
    "harness.run.in_process": "in_process",
    "harness.plan.make": "plan_make",
    ("harness.study.load", "load_study"): "load_study",
}
FILES = {  # other files
    "analysis/report.html": "analysis/report/report.html",
    "analysis/report.css": "analysis/report/report.css",
    "analysis/tuning.html": "analysis/tuning/tuning.html",
}
TESTS = {
    "end_to_end": "command extending faults first_schema kept_rows other_kernels real",
    "spaces": "cell cell_network cell_supernet contract discretise genotype plugins shortcut padding",
    "harness/commands": "decode estimate probe until>run_until verify options",
    "harness/data": "data>datasets",
    "harness/engine": "engine exactness instructions precision",
    "harness/plan": "keys methods plan>make strategies tuning sources resolve",
    "harness/ray_tune": "nodes tensorboard",
    "harness/run": "admission driver weights>kept_weights prepare",
    "harness/storage": "checkpoint records>rows folder protocol",
    "harness/study": "study>schema safe>names ranges",
    "harness/training": "bilevel jobs>run_job pairing planted pretrained same_everywhere search watchdog streams",
    "analysis": "compare",
    ".": "docs marks",
}

"""Hash of every file of the reports of kept results, rebuilt by the code that PYTHONPATH names."""
import hashlib, json, sys
from pathlib import Path
try:
    from analysis.report.write import rebuild
    from analysis.tuning.pages import rebuild as tuning
    from harness.commands.report_pages import tunings
except ImportError:
    from analysis.report import rebuild
    from analysis.tuning_pages import rebuild as tuning
    from harness.pages import tunings
out = {}
for name in sys.argv[1:]:
    folder = Path("results") / name
    found = tunings([folder])
    for file, content in {**rebuild(folder), **(tuning(name, found) if found else {})}.items():
        out[f"{name}/{file}"] = hashlib.sha256(content).hexdigest()[:16]
print(json.dumps(out, indent=1, sort_keys=True))

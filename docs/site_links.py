"""Makes one set of links work on GitHub and in the site: pages link to files as the repository lays them out.

Pages at the top of the repository and pictures join the site. A link to any other file leads out of `site/` into the
checkout, or to `repo_url` where mkdocs.yml names one. A link to nothing stops a strict build.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md",
         "benchmarks/README.md": "benchmarks.md"}  # fmt: skip
AT = {there: here for here, there in PAGES.items()}  # page of the site → file of the repository
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>(?:[^][]|\[[^][]*\])*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    for here, there in PAGES.items():
        files.append(File.generated(config, there, abs_src_path=str(ROOT / here)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    def rewritten(link: re.Match[str]) -> str:
        return _rewritten(link, page.file.src_uri, config, files)

    parts = CODE.split(markdown)
    return "".join(part if part.startswith("`") else LINK.sub(rewritten, part) for part in _joined(parts))


def _joined(parts: list[str]) -> list[str]:
    """Inline code inside a link's text belongs to the link: only whole blocks stay apart."""
    joined = [""]
    for part in parts:
        if part.startswith("```"):
            joined += [part, ""]
        else:
            joined[-1] += part
    return joined


def _rewritten(link: re.Match[str], page: str, config: MkDocsConfig, files: Files) -> str:
    target, anchor = link["target"], link["anchor"] or ""
    if not target or "://" in target or target.startswith("mailto:"):
        return link[0]
    source = AT.get(page, f"docs/{page}")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if path.startswith("..") or not (ROOT / path).exists():
        raise PluginError(f"{source}: the link to {target} leads to no file of the repository")
    inside = PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
    if link["picture"] and inside is None:
        inside = f"pictures/{path}"
        if inside not in files.src_uris:
            files.append(File.generated(config, inside, abs_src_path=str(ROOT / path)))
    if inside is not None:
        return f"{link['picture']}[{link['text']}]({_relative(inside, page)}{anchor})"
    out = f"{config.repo_url}blob/HEAD/{path}" if config.repo_url else _relative(f"../{path}", page)
    return f'<a href="{out}{anchor}">{link["text"]}</a>'


def _relative(target: str, page: str) -> str:
    return posixpath.relpath(posixpath.join("/site", target), posixpath.join("/site", posixpath.dirname(page)))

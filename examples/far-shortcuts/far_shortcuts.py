"""What nas-harness can be given from outside, each named in a study as `far_shortcuts:NAME` (see study.toml)."""

from dataclasses import dataclass

import torch

from harness.extend import DataSet, Found, Images, Shortcuts, ShortcutSpace, score


@dataclass(frozen=True)
class FarShortcuts(ShortcutSpace):
    """A space: VGG with shortcuts over at least `reach` blocks; all else is as in the space it comes from."""

    vgg: str = "vgg11"
    reach: int = 4

    @property
    def pairs(self):
        return [(i, k) for i, k in super().pairs if k - i >= self.reach]


def strongest_three(space, alpha):
    """A rule: from α, by name as arrays, to an architecture."""
    ranked = sorted(space.pairs, key=lambda pair: alpha["pairs"][pair[0] - 1, pair[1] - 1], reverse=True)
    return Shortcuts(space.vgg, ranked[:3])


strongest_three.draws = "A"  # twins are sampled by the space's rule A, with as many shortcuts


def climb(ask):
    """A strategy: it plans jobs. Each candidate is a neighbour of the best before it, and the best is trained."""
    keys = []
    for index in range(ask.search.candidates):
        source = {"propose": "far_shortcuts:neighbour", "rule": ask.rule, "index": index, "seen": list(keys)}
        keys.append(score(ask, source, tuple(keys)))
    yield Found(ask.method, {"best": keys}, tuple(keys), ask.rule)


def neighbour(source, seen, space, rng):
    """Called when the rows `seen` are there; `rng` is all the chance that a proposal may use."""
    best = max((row for row in seen if row["status"] == "done"), key=lambda row: row["val_accuracy"], default=None)
    start = space.parse(best["architecture"]) if best else space.baseline()
    return space.mutate(start, source["rule"], rng, 0.3)


def stripes(root, download):
    """A data set: 32×32 images with stripes that lie (class 0) or stand (class 1)."""
    pixels = torch.randint(0, 128, (96, 1, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels[:48, :, ::4], pixels[48:, :, :, ::4] = 255, 255
    whole = Images(pixels, torch.arange(96) // 48).take(torch.arange(96).view(2, 48).T.flatten())
    return DataSet(whole.take(torch.arange(64)), whole.take(torch.arange(64, 96)), 2, (0.4,), (0.3,))
